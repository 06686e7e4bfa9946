# The docs say what is so: each example of a configuration passes nginx -t,
# directives, variables and metrics are listed, each with its contexts or its
# type, and links and the numbers of tests lead somewhere.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use Test::More;

use RT::Config qw(prefix whole judged served);


my $top = abs_path(dirname(__FILE__) . '/..');
my $prefix = prefix();

my @docs = ("$top/README.md", "$top/lua/README.md", sort glob "$top/docs/*.md");
my %text = map { $_ => text($_) } @docs;

my $zone = "rt_zone \$http_x_tenant zone=live:1m;\n";


sub text
{
    my ($path) = @_;

    local (@ARGV, $/) = $path;

    return scalar <>;
}


sub doc
{
    return $text{"$top/docs/$_[0].md"};
}


# what is there on one side only
sub same
{
    my ($what, $said, $is) = @_;

    my %said = map { $_ => 1 } @$said;
    my %is = map { $_ => 1 } @$is;
    my @untold = grep { !$said{$_} } sort keys %is;
    my @untrue = grep { !$is{$_} } sort keys %said;

    ok(%is && !@untold && !@untrue, $what)
        or diag("not in the docs: @untold\nonly in the docs: @untrue");
}


# ---- examples

# the files that examples name
mkdir "$prefix/conf/rt";
mkdir "$prefix/conf/rt/rules";

system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -batch"
       . " -subj /CN=docs -keyout $prefix/conf/key.pem"
       . " -out $prefix/conf/cert.pem 2> $prefix/openssl") == 0
    or die text("$prefix/openssl");

my %files = (
    api_key    => '0123456789abcdef',
    'rules/default.lua' => 'return {}',
    secret     => 's' x 64,
    redis_password => 'r' x 32,
    '2025.pem' => text("$prefix/conf/cert.pem"),
    '2026.pem' => text("$prefix/conf/cert.pem"),
    'jwks.json' => '{"keys":[{"kty":"oct","alg":"HS256","k":"'
                   . 'a' x 64 . '"}]}',
);

for (keys %files) {
    open my $f, '>', "$prefix/conf/rt/$_" or die $!;
    print $f "$files{$_}\n";
    close $f;
}


# an example as it stands, on this machine
sub here
{
    my ($example) = @_;

    return $example =~ s{/etc/nginx/}{$prefix/conf/}gr
                    =~ s{/var/log/nginx/}{$prefix/logs/}gr;
}


# a whole file is one that has http {}; what is missing around it comes from
# that of a location
sub file_of
{
    my ($example) = @_;

    my ($module) = whole('') =~ /load_module (\S+);/;
    my ($paths) = whole('') =~ /^http \{\n(.*?_path.*?)\n\n/ms;

    $example =~ s/^load_module .*\n//m;
    $example =~ s/^http \{$/http {\n$paths/m or die $example;
    $example =~ s/listen (?:80|443)\b/listen unix:$prefix\/sock/g;

    return "load_module $module;\npid $prefix/logs/nginx.pid;\n"
           . "events {}\n$example";
}


# fits at one level of nginx at least
sub fits
{
    my ($example) = @_;

    return judged(file_of($example)) if $example =~ /^http \{/m;

    my $http = $example =~ /zone=live:/ ? '' : $zone;
    my ($status, $said);

    for ([$http . $example, ''],
         [$zone, $example],
         [$zone, "location /x {\n$example\n}"])
    {
        ($status, my $words) = judged(whole($_));
        return 0 if $status == 0;

        $said .= $words;
    }

    return ($status, $said);
}


my $examples = 0;

for my $path (@docs) {
    while ($text{$path} =~ /^```nginx\n(.*?)^```$/gms) {
        my ($example, $line) = ($1, 1 + (substr($text{$path}, 0, $-[1])
                                         =~ tr/\n//));
        my ($status, $said) = fits(here($example));

        ok($status == 0, "an example: " . basename($path) . ":$line")
            or diag($said);
        $examples++;
    }
}

ok($examples > 20, 'there are examples');

# a rule is a whole file
my $rules = 0;

for my $path (@docs) {
    while ($text{$path} =~ /^```lua\n(.*?)^```$/gms) {
        my ($rule, $line) = ($1, 1 + (substr($text{$path}, 0, $-[1])
                                      =~ tr/\n//));
        my $dir = "$prefix/conf/rule" . $rules++;

        mkdir $dir;
        open my $f, '>', "$dir/default.lua" or die $!;
        print $f $rule;
        close $f;

        my ($status, $said) = judged(whole(["${zone}rt_rules $dir;\n", '']));

        ok($status == 0, "a rule: " . basename($path) . ":$line")
            or diag($said);
    }
}

ok($rules > 3, 'there are rules');


# ---- directives

my $source = text("$top/ngx_rt_module/ngx_rt_module.c");
my @directives = $source =~ /\{ ngx_string\("(rt_\w+)"\)/g;

same('every directive has its section',
     [doc('directives') =~ /^## (rt_\w+)$/mg], \@directives);
same('every directive is in the table of contents',
     [doc('directives') =~ /\| \[(rt_\w+)\]\(#\1\)(?= \|)/g], \@directives);


# judged without arguments: a directive that may stand there is missing them
sub stands
{
    my ($directive, $http, $server) = @_;

    my ($status, $said) = judged(whole([$zone . $http, $server]));

    return $said !~ /"$directive" directive is not allowed here/;
}


for my $d (@directives) {
    my ($section) = doc('directives') =~ /^## $d\n(.*?)(?:^## |\z)/ms;
    my ($said) = ($section // '') =~ /^    Context:  (.*)$/m;
    my @is = (stands($d, "$d;", '') ? 'http' : (),
              stands($d, '', "$d;") ? 'server' : (),
              stands($d, '', "location /x { $d; }") ? 'location' : ());

    is($said, join(', ', @is), "the contexts of $d");
    like($section, qr/^    Syntax:   $d\b.*^    Default:  .*^```nginx$/ms,
         "$d: syntax, default, an example");
}


# ---- variables and metrics

same('every variable is listed',
     [doc('observe') =~ /^\| `\$(rt_\w+)` \|/mg],
     [text("$top/ngx_rt_module/observe/ngx_rt_variables.c")
      =~ /ngx_string\("(rt_\w+)"\)/g,
      map { "${_}NAME" } text("$top/ngx_rt_module/policy/ngx_rt_flag.c")
                         =~ /_PREFIX  "(rt_\w+)"/]);

my $redis = "rt_redis unix:$prefix/no-redis;\n";
my $page = served(whole(["$zone$redis", "location /m { rt_metrics; }\n"]),
                  '/m');
my %type = $page =~ /^# TYPE (\S+) (\S+)$/mg;

# the sums over the tenants that are not listed are told of in a sentence
same('every metric is listed with its type',
     [map { "$$_[0] $$_[1]" } grep { @$_ }
      map { /^\| `(rt_\w+)` \| (gauge|counter) \|/ ? [$1, $2] : [] }
      split /\n/, doc('observe')],
     [map { "$_ $type{$_}" } grep { !/^rt_(?:version|other_tenants_)/ }
      keys %type]);

same('every sum over other tenants is that of a metric of theirs',
     ['rt_other_tenants_count',
      map { /^\| `rt_tenant_(\w+?)(?:_total)?` \|/mg ? "rt_other_tenants_$1"
                                                     : () }
      split /\n/, doc('observe')],
     [grep { /^rt_other_tenants_/ } keys %type]);


# ---- links

my %anchors;

for my $path (@docs) {
    for ($text{$path} =~ /^#+ (.+)$/mg) {
        my $anchor = lc s/[^\w\s-]//gr =~ s/ /-/gr;
        $anchors{$path}{$anchor} = 1;
    }
}

my @broken;

for my $path (@docs) {
    for ($text{$path} =~ /\]\(([^)\s]+)\)/g) {
        my ($file, $anchor) = /^([^#]*)(?:#(.*))?$/;

        next if /^https?:/;

        my $to = length $file ? abs_path(dirname($path) . "/$file") : $path;

        push @broken, basename($path) . ": $_"
            if !defined $to || !-e $to
               || defined $anchor && !$anchors{$to}{$anchor};
    }
}

is("@broken", '', 'every link leads somewhere');

my @none = grep {
    my ($file, $n) = split m{/};
    my @tests = glob "$top/t/$file-*.t";

    @tests != 1 || text($tests[0]) !~ /^=== TEST $n: /m;
} doc('testing') =~ m{\b(\d{3}/\d+)\b}g;

is("@none", '', 'every number of a test is one');

done_testing();
