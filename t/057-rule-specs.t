# The specs of the rules of lua/rules: what each says of what it is asked, by
# the API's own test of rules.

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP;

# what is asked is a text of the request: the default says nothing
BEGIN {
    my $to = ($ENV{TEST_NGINX_SERVROOT}
              || dirname(dirname(abs_path($0))) . '/build/servroot')
             . '-specs';

    system('mkdir', '-p', $to) == 0 or die "$to\n";

    open my $file, '>', "$to/default.lua" or die "$to: $!\n";
    print $file "return {}\n";
    close $file;

    $ENV{TEST_NGINX_RULES} = $to;
}

use RT;

$RT::HTTP = <<'_EOC_';
    rt_zone       $http_x_tenant zone=live:8m;
    rt_rules      $TEST_NGINX_RULES;
    rt_flag       beta 50%;
    rt_flag       orchestrator-b off;
    rt_namespace  ask;
    rt_namespace  beta;
    rt_namespace  chat;
    rt_namespace  free;
    rt_namespace  model;
_EOC_

my $lua = dirname(dirname(abs_path($0))) . '/lua';
my $json = JSON::PP->new->canonical->allow_nonref;


sub text
{
    local (@ARGV, $/) = shift;

    return scalar <>;
}


# a conversation in which all of them are asked
sub spec
{
    my $name = shift;
    my $rule = text("$lua/rules/$name.lua");
    my $talk = '';

    for (@{$json->decode(text("$lua/specs/$name.json"))}) {
        my $ask = $json->encode({%{$_->{ask}}, text => $rule});
        my $says = $json->encode($_->{says});

        $says =~ s/\}\z/,...}/;
        $talk .= "# $name $_->{it}\n"
                 . "api: POST /api/rules/test $ask\n"
                 . "api: 200 {\"result\":$says}\n";
    }

    return $talk;
}

run_tests();

__DATA__

=== TEST 1: moderation
--- conversation eval: main::spec('moderation')



=== TEST 2: maintenance
--- conversation eval: main::spec('maintenance')



=== TEST 3: routing
--- conversation eval: main::spec('routing')



=== TEST 4: versions
--- conversation eval: main::spec('versions')



=== TEST 5: private beta
--- conversation eval: main::spec('beta')



=== TEST 6: A/B
--- conversation eval: main::spec('ab')
