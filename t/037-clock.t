# The wall clock jumps: what was granted before stays for as long as was said,
# and what comes afterwards is judged by the new time.

use strict;
use warnings;

my $clock;

BEGIN {
    my $lib = __FILE__ =~ s{[^/]*$}{}r . 'lib';
    my $dir = $ENV{TEST_NGINX_SERVROOT} || "$lib/../../build/servroot";

    mkdir $dir;
    $clock = "$dir/clock";

    system($ENV{CC} || 'cc', '-shared', '-fPIC', '-O1', '-o', "$clock.so",
           "$lib/clock.c") == 0
        or die "cannot build $lib/clock.c\n";

    # Test::Nginx takes these as they are now
    $ENV{TEST_RT_CLOCK} = $clock;
    $ENV{LD_PRELOAD} = "$clock.so";
}

# nginx maps the file, so that it is written to in place
sub RT::Conversation::Fill::clock
{
    my ($seconds) = @_;

    open my $f, -f $clock ? '+<' : '>', $clock or die "$clock: $!\n";
    binmode $f;
    print $f pack 'q', $seconds;
    close $f;

    return '{}';
}

use RT qw(tokens);

RT::Conversation::Fill::clock(0);

$RT::HTTP = <<'_EOC_';
    rt_zone       $http_x_tenant zone=live:8m;
    rt_jwt        hs256 file=$TEST_NGINX_TOKENS/secret;
    rt_token_grace 0;
    rt_ping_interval 1s;
    rt_pong_timeout 500ms;
    rt_namespace  locked  subscribe=token;
    rt_namespace  kept    publish=any history=10 ttl=10m;
    rt_close_timeout 100ms;
    rt_drain window=50ms;
_EOC_

run_tests();

__DATA__

=== TEST 1: an hour on, and two back
--- workers: 2
--- conversation
api: POST /api/info {{clock(0)}}
api: 200
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", exp => time + 600)}}"}}
   > {"id":2,"subscribe":{"channel":"locked:x","token":"{{jwt(sub => "alice", channel => "locked:x", exp => time + 600)}}"}}
a: < {"id":1,"connect":{"expires":true,...}}
   < {"id":2,"subscribe":{"expires":true,"ttl":*}}
b: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "bob")}}"}}
b: < {"id":1,"connect":{...}}
api: POST /api/refresh {"user":"bob","expire_at":{{time + 600}}}
api: 200 {"result":{}}
l: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "lea")}}","headers":{"rt-resume":""}}}
l: < {"id":1,"connect":{"client":"*l","session":"*p",...}}
l: gone
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k"}
api: 200 {"result":{"offset":1,"epoch":"*e"}}
api: POST /api/info {{clock(3600)}}
api: until 200 ~"uptime":36\d\d
# once a second the workers look at what is over
nginx: wait 1.2
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k"}
api: 200 {"result":{"offset":1,"epoch":"{{kept("e")}}"}}
api: POST /api/history {"channel":"kept:x","limit":-1}
api: 200 {"result":{"publications":[{"data":1,"offset":1}],"epoch":"{{kept("e")}}","offset":1}}
api: POST /api/publish {"channel":"locked:x","data":2}
api: 200 {"result":{}}
a: < {"push":{"channel":"locked:x","pub":{"data":2}}}
a, b: silent
l: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "lea")}}","headers":{"rt-resume":"{{kept("p")}}"}}}
l: < {"id":1,"connect":{"client":"{{kept("l")}}",...}}
# what comes now is of now
c: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "carol", exp => time + 600)}}"}}
c: < {"id":1,"error":{"code":109,...}}
d: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "dave", exp => time + 3602)}}"}}
d: < {"id":1,"connect":{"expires":true,...}}
# back behind where it was: what ends does so in its time
api: POST /api/info {{clock(-3600)}}
api: until 200 ~"uptime":0
d: closed 3005 connection expired
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k"}
api: 200 {"result":{"offset":1,"epoch":"{{kept("e")}}"}}
api: POST /api/publish {"channel":"locked:x","data":3}
api: 200 {"result":{}}
a: < {"push":{"channel":"locked:x","pub":{"data":3}}}
a, b, l: silent
api: POST /api/info {{clock(0)}}
api: 200
