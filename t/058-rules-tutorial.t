# The first ten minutes of docs/rules.md, as they are written: each file is
# there, each command is run and answered with what is said.

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP;

my ($tutorial, $to);

BEGIN {
    my $top = dirname(dirname(abs_path($0)));

    local (@ARGV, $/) = "$top/docs/rules.md";
    ($tutorial) = <> =~ /^## The first ten minutes\n(.*?)^## /ms
        or die "there is no tutorial\n";

    $to = ($ENV{TEST_NGINX_SERVROOT} || "$top/build/servroot") . '-tutorial';
    system('mkdir', '-p', $to) == 0 or die "$to\n";
    $ENV{TEST_NGINX_RULES} = $to;

    open my $file, '>', "$to/default.lua" or die "$to: $!\n";
    print $file $tutorial =~ /^```lua\n(.*?)^```/ms;
    close $file;
}

use RT;

$RT::HTTP = ($tutorial =~ /^http \{\n(.*?)^    server/ms)[0]
            =~ s{/etc/nginx/rt/rules}{\$TEST_NGINX_RULES}r;

my $json = JSON::PP->new->canonical->allow_nonref;


# '{...}', or what jq makes of the last file; only what is in the tutorial
sub body
{
    my ($said, $text) = @_;

    return $1 if $said =~ /^'(.*)'$/s;

    my ($filter) = $said =~ /^"\$\(jq -Rs '(.*)' acme\.lua\)"$/s
        or die "no body: $said\n";

    $text = $json->encode($text);
    $filter =~ s/text: \./"text": $text/ or die "no text: $filter\n";
    $filter =~ s/([{ ])([a-z]+): (?=["{])/$1"$2": /g;

    return $filter;
}


sub tutorial
{
    my $talk = '';
    my $text;

    while ($tutorial =~ /^```(lua|sh)\n(.*?)^```/gms) {
        my ($kind, $block) = ($1, $2);

        if ($kind eq 'lua') {
            $text = $block;
            next;
        }

        $block =~ s/\\\n\s*//g;

        my $command = qr/^\$ curl (?:-X (\w+) )?(?:--json (.*?) )?/ms;
        my $url = qr/http:\/\/127\.0\.0\.1:8080(\S+)\n(.*?)(?=^\$|\z)/ms;

        while ($block =~ /$command$url/g) {
            my ($method, $body, $path, $says) = ($1, $2, $3, $4);

            $says =~ s/\s+\z//;
            $talk .= 'api: ' . ($method // 'POST') . " $path"
                     . (defined $body ? ' ' . body($body, $text) : '')
                     . "\napi: 200 $says\n";
        }
    }

    my $commands = () = $tutorial =~ /^\$ curl/mg;
    my $asked = () = $talk =~ /^api: 200/mg;

    die "$asked of $commands commands\n" if $asked != $commands || !$asked;

    return $talk;
}

run_tests();

__DATA__

=== TEST 1: as it is written
--- allow_log: rt_state_file
--- conversation eval: main::tutorial()
