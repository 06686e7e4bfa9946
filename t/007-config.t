# Each directive under nginx -t: good forms are accepted, bad ones refused with
# file, line and a message that names what is wrong.

use strict;
use warnings;

use File::Path qw(make_path);
use Test::More;

use RT::Config qw(:DEFAULT judged whole);


my $zone = "    rt_zone \$http_x_tenant zone=live:1m;\n";


# text in http {} after a zone
sub http
{
    return $zone . join '', map { "    $_\n" } @_;
}


# one location of this content
sub location
{
    return [$zone . "    rt_namespace chat;\n",
            "        location /x {\n"
            . join('', map { "            $_\n" } @_) . "        }\n"];
}


# ---- rt_zone

accepted('a zone with a variable', $zone);
accepted('a zone with a constant', 'rt_zone default zone=live:1m;');
accepted('a zone with text and variables',
         'rt_zone "t-$host-$http_x_tenant" zone=live:1m;');
accepted('a zone with a log', 'rt_zone $host zone=live:2m log=1m;');
accepted('an empty key', 'rt_zone "" zone=live:1m;');
accepted('two zones', http('rt_zone $host zone=other:1m;'));

refused('a zone without a name', qr/rt_zone/, 'rt_zone $host; # <-');
refused('a zone without a key', qr/rt_zone/, 'rt_zone zone=live:1m; # <-');
refused('a zone without a size', qr/zone=live/,
        'rt_zone $host zone=live; # <-');
refused('a zone with an empty name', qr/zone=:1m/,
        'rt_zone $host zone=:1m; # <-');
refused('a zone that is tiny', qr/live.*(?:small|at least|write)/,
        'rt_zone $host zone=live:8k; # <-');
refused('a log that is tiny', qr/log=1k/,
        'rt_zone $host zone=live:1m log=1k; # <-');
refused('a size that is negative', qr/zone=live:-1m/,
        'rt_zone $host zone=live:-1m; # <-');
refused('a size with a strange unit', qr/zone=live:8x/,
        'rt_zone $host zone=live:8x; # <-');
refused('a size that overflows', qr/zone=live:9{20}m/,
        'rt_zone $host zone=live:99999999999999999999m; # <-');
refused('a log that overflows', qr/log=9{20}m/,
        'rt_zone $host zone=live:1m log=99999999999999999999m; # <-');
refused('a zone twice', qr/live.*(?:already|twice|duplicate)/,
        http('rt_zone $host zone=live:1m; # <-'));
refused('an argument that nobody knows', qr/foo=1/,
        'rt_zone $host zone=live:1m foo=1; # <-');
refused('a variable that is not there', qr/no_such_variable/,
        'rt_zone $no_such_variable zone=live:1m; # <- none');
refused('a zone in a server', qr/rt_zone.*not allowed here/,
        ['', 'rt_zone $host zone=live:1m; # <-']);

# ---- rt_rules

{
    my $rules = prefix() . '/rules';
    my $n = 0;

    # a folder of these files
    my $of = sub {
        my (%files) = @_;
        my $dir = $rules . $n++;

        for my $name (keys %files) {
            my $path = "$dir/$name";

            make_path($path =~ s{/[^/]*$}{}r);
            open my $to, '>', $path or die "$path: $!\n";
            print $to $files{$name};
            close $to;
        }

        return $dir;
    };

    my $good = 'return { publish = function() end }';
    my $dir = $of->('default.lua' => $good, 'tenants/a%2Fb.lua' => $good,
                    'tenants/.hidden.lua' => 'no', 'tenants/notes.txt' => 'no');

    accepted('rules', http("rt_rules $dir;"));
    accepted('rules with bounds',
             http("rt_rules $dir steps=1000 memory=256k states=1 "
                  . 'rate=off;'));
    accepted('rules that fail are passed over',
             http("rt_rules $dir;", 'rt_rules_on_error pass;'));
    accepted('a file for what the API sets', http('rt_state_file settings;'));
    refused('such a file and Redis', qr/rt_redis.*rt_state_file.*remove one/,
            http('rt_state_file settings;',
                 "rt_redis unix:$dir/none; # <- none") );
    refused('such a file twice', qr/"rt_state_file" directive is duplicate/,
            http('rt_state_file a;', 'rt_state_file b; # <-'));
    refused('such a file without a name', qr/has no path/,
            http('rt_state_file ""; # <-'));
    accepted('rules that fail deny', http('rt_rules_on_error deny;'));
    accepted('rules of tenants only',
             http('rt_rules ' . $of->('tenants/a.lua' => $good) . ';'));
    refused('rules twice', qr/"rt_rules" directive is duplicate/,
            http("rt_rules $dir;", "rt_rules $dir; # <-"));
    refused('a folder without rules', qr/no rules in ".*": neither/,
            http('rt_rules ' . $of->('other.lua' => $good) . '; # <-'));
    refused('no folder', qr/no rules in "\/nowhere"/,
            http('rt_rules /nowhere; # <-'));
    refused('a rule that does not compile',
            qr/rule default\.lua:2: '=' expected near 'is'/,
            http('rt_rules ' . $of->('default.lua' => "\nthis is none")
                 . '; # <-'));
    refused('a rule that returns no table',
            qr/rule tenants\/x\.lua: returns a number, not a table/,
            http('rt_rules ' . $of->('tenants/x.lua' => 'return 1')
                 . '; # <-'));
    refused('a rule with a name that nobody asks',
            qr/rule tenants\/x\.lua: returns "conect", which nobody asks/,
            http('rt_rules ' . $of->('tenants/x.lua' =>
                 'return { conect = function() end }') . '; # <-'));
    refused('a rule of what is no function',
            qr/rule default\.lua: returns a number as "publish", not a f/,
            http('rt_rules ' . $of->('default.lua' => 'return { publish = 5 }')
                 . '; # <-'));
    refused('a rule that does not end', qr/rule default\.lua:1: too many steps/,
            http('rt_rules ' . $of->('default.lua' => 'while true do end')
                 . '; # <-'));
    refused('a rule of bytecode', qr/rule default\.lua/,
            http('rt_rules ' . $of->('default.lua' => "\x1bLJ\x02")
                 . '; # <-'));
    refused('a rule that is too long', qr/default\.lua: longer than 16384/,
            http('rt_rules ' . $of->('default.lua' => '-' x 17000)
                 . '; # <-'));
    refused('a file that names no tenant', qr/a%01\.lua" names no tenant/,
            http('rt_rules ' . $of->('tenants/a%01.lua' => $good)
                 . '; # <-'));
    refused('too few steps', qr/steps=10": write 1000/,
            http("rt_rules $dir steps=10; # <-"));
    refused('too little memory', qr/memory=1k": write 256k/,
            http("rt_rules $dir memory=1k; # <-"));
    refused('no time', qr/rate=0": write 100000/,
            http("rt_rules $dir rate=0; # <-"));
    refused('no state', qr/states=0": write 1/,
            http("rt_rules $dir states=0; # <-"));
    refused('a parameter of rules that nobody knows', qr/write "steps=/,
            http("rt_rules $dir foo=1; # <-"));
    refused('another word on an error', qr/"maybe": write "deny" or "pass"/,
            http('rt_rules_on_error maybe; # <-'));
    refused('a schema that is broken', qr/rule default\.lua:2: rt\.schema: /,
            http('rt_rules ' . $of->('default.lua' =>
                     "\nrt.schema{ type = 't', versions = { 'texd' } }\n$good")
                 . '; # <-'));
    accepted('headers for rules', http('rt_rule_headers X-A x-b_1;'));
    accepted('no headers for rules', http('rt_rule_headers off;'));
    refused('a header that cannot be', qr/"X:A" is no header's name/,
            http('rt_rule_headers X:A; # <-'));
    refused('a header twice', qr/the header "x-a" is there twice/,
            http('rt_rule_headers X-A x-a; # <-'));
    refused('headers for rules twice',
            qr/"rt_rule_headers" directive is duplicate/,
            http('rt_rule_headers X-A;', 'rt_rule_headers X-B; # <-'));
    refused('on an error twice', qr/"rt_rules_on_error" directive is duplicate/,
            http('rt_rules_on_error deny;', 'rt_rules_on_error pass; # <-'));
}

# ---- rt_flag

accepted('flags', http('rt_flag beta on;', 'rt_flag b off;', 'rt_flag c 0%;',
                       'rt_flag New-Router_2 12.5%;', 'rt_flag d 100%;'));
accepted('64 flags', http(map { "rt_flag f$_ on;" } 1 .. 64));
refused('65 flags', qr/more than 64 flags/,
        http((map { "rt_flag f$_ on;" } 1 .. 64), 'rt_flag f65 on; # <-'));
refused('a flag without a value', qr/number of arguments in "rt_flag"/,
        http('rt_flag beta; # <-'));
refused('a flag in a server', qr/"rt_flag" directive is not allowed here/,
        http("server {\nrt_flag beta on; # <-\n}"));

for my $name ('a b', 'a.b', '', 'x' x 65) {
    refused("a flag \"$name\"", qr/of a flag: write 1 to 64 letters/,
            http("rt_flag '$name' on; # <-"));
}

for my $value ('yes', '%', '5', '101%', '-1%', '0.001%', '1e1%', '5 %') {
    refused("a flag of \"$value\"", qr/of a flag: write "on", "off", or a perc/,
            http("rt_flag beta '$value'; # <-"));
}

refused('a flag twice', qr/the flag "Be-ta" is there already/,
        http('rt_flag be_ta on;', 'rt_flag Be-ta off; # <-'));

accepted('keys of flags', http('rt_zone a zone=a:1m;', 'rt_flag_key $arg_k;',
                               "server {\nrt_flag_key x zone=a;\n}"));
refused('keys of flags twice', qr/"rt_flag_key" directive is duplicate/,
        http('rt_flag_key a;', 'rt_flag_key b; # <-'));
refused('a key of flags with something else', qr/write "zone=NAME"/,
        http('rt_flag_key a b=c; # <-'));
refused('a key of flags in a zone that is not there', qr/zone "b" is unknown/,
        http('rt_flag_key a zone=b; # <-'));

# ---- rt_namespace

accepted('namespaces', http('rt_namespace default;',
    'rt_namespace chat fast subscribe=any publish=subscriber;',
    'rt_namespace open publish=any;', 'rt_namespace news publish=none;',
    'rt_namespace users subscribe=user;', 'rt_namespace a-b_9;'));

accepted('presence, joins and leaves', http('rt_namespace aa presence;',
    'rt_namespace bb join_leave;', 'rt_namespace cc join_leave presence;'));
refused('presence with a value', qr/presence=on.*write "presence"/,
        http('rt_namespace chat presence=on; # <-'));
refused('join_leave twice', qr/join_leave.*again/,
        http('rt_namespace chat join_leave join_leave; # <-'));
accepted('users', http('rt_user $remote_user;'));
refused('a user without a value', qr/rt_user/, http('rt_user; # <-'));
refused('two users', qr/duplicate/,
        http('rt_user $remote_user;', 'rt_user $host; # <-'));
accepted('what slow clients are spared', http('rt_namespace aa slow=drop;',
    'rt_namespace bb slow=conflate;', 'rt_namespace cc slow=disconnect;'));
accepted('histories', http('rt_namespace aa history=1 ttl=1s;',
    'rt_namespace bb ttl=30d cache history=100000;',
    'rt_namespace cc history=10 ttl=500ms positioned presence;'));
refused('a history without a ttl', qr/chat.*history=NUMBER ttl=TIME/,
        http('rt_namespace chat history=5; # <-'));
refused('a ttl without a history', qr/chat.*history=NUMBER ttl=TIME/,
        http('rt_namespace chat ttl=5m; # <-'));
refused('a history of nothing', qr/history=0.*from 1 to 100000/,
        http('rt_namespace chat history=0 ttl=1m; # <-'));
refused('a history of too many', qr/history=100001.*from 1 to 100000/,
        http('rt_namespace chat history=100001 ttl=1m; # <-'));
refused('a history that overflows', qr/history=9{20}.*from 1/,
        http('rt_namespace chat history=99999999999999999999 ttl=1m; # <-'));
refused('a history of a negative number', qr/history=-1.*from 1/,
        http('rt_namespace chat history=-1 ttl=1m; # <-'));
refused('no time to live', qr/ttl=0.*ttl=TIME/,
        http('rt_namespace chat history=5 ttl=0; # <-'));
refused('a time to live with a strange unit', qr/ttl=5k.*ttl=TIME/,
        http('rt_namespace chat history=5 ttl=5k; # <-'));
refused('a history twice', qr/history=6.*once/,
        http('rt_namespace chat history=5 history=6 ttl=1m; # <-'));
refused('slow= beside a history', qr/chat.*leave out.*slow=/,
        http('rt_namespace chat history=5 ttl=1m slow=drop; # <-'));
refused('cache without a history', qr/cache.*history=NUMBER/,
        http('rt_namespace chat cache; # <-'));
refused('positioned without a history', qr/positioned.*history=NUMBER/,
        http('rt_namespace chat positioned; # <-'));

accepted('a time for positions', http('rt_history_meta_ttl 1d;'));
refused('a time for positions that is none', qr/rt_history_meta_ttl/,
        http('rt_history_meta_ttl x; # <-'));
refused('a time for positions twice', qr/rt_history_meta_ttl.*duplicate/,
        http('rt_history_meta_ttl 1d;', 'rt_history_meta_ttl 2d; # <-'));

refused('slow= with another word', qr/slow=fast.*slow=conflate/,
        http('rt_namespace chat slow=fast; # <-'));

accepted('a window of keys', http('rt_idempotency window=1h keys=5;'));
accepted('keys without a window', http('rt_idempotency keys=10000000;'));
refused('keys twice', qr/rt_idempotency.*duplicate/,
        http('rt_idempotency keys=1;', 'rt_idempotency keys=1; # <-'));
refused('keys: none', qr/invalid parameter "keys=0", write "window=TIME"/,
        http('rt_idempotency keys=0; # <-'));
refused('keys: too many', qr/invalid parameter "keys=10000001"/,
        http('rt_idempotency keys=10000001; # <-'));
refused('keys: negative', qr/invalid parameter "keys=-1"/,
        http('rt_idempotency keys=-1; # <-'));
refused('a window of nothing', qr/invalid parameter "window=0"/,
        http('rt_idempotency window=0; # <-'));
refused('a window of a strange unit', qr/invalid parameter "window=5x"/,
        http('rt_idempotency window=5x; # <-'));
refused('a window that overflows', qr/invalid parameter "window=9{30}"/,
        http('rt_idempotency window=' . 9 x 30 . '; # <-'));
refused('keys: a variable', qr/invalid parameter "keys=\$x"/,
        http('rt_idempotency keys=$x; # <-'));
refused('keys: unknown', qr/invalid parameter "ttl=5m"/,
        http('rt_idempotency ttl=5m; # <-'));
refused('keys: nothing said', qr/invalid number of arguments/,
        http('rt_idempotency; # <-'));
refused('keys in a location', qr/rt_idempotency.*not allowed here/,
        location('rt_idempotency keys=1; # <-'));
accepted('a drain', http('rt_drain window=1m rate=10;'));
accepted('a drain at once', http('rt_drain window=0;'));
refused('a drain twice', qr/rt_drain.*duplicate/,
        http('rt_drain rate=1;', 'rt_drain rate=1; # <-'));
refused('a drain at no rate', qr/rate=0.*rate=NUMBER/,
        http('rt_drain rate=0; # <-'));
refused('a drain for what time', qr/window=soon.*window=TIME/,
        http('rt_drain window=soon; # <-'));
refused('a negative window', qr/window=-1s/,
        http('rt_drain window=-1s; # <-'));
refused('a drain in a location', qr/rt_drain.*not allowed here/,
        location('rt_drain rate=1; # <-'));

accepted('sessions that linger', http('rt_session_ttl 5m max=100 tenant=10;'));
accepted('none that linger', http('rt_session_ttl 0;'));
refused('a time twice', qr/rt_session_ttl.*duplicate/,
        http('rt_session_ttl 1m;', 'rt_session_ttl 1m; # <-'));
refused('a time that is none', qr/time "soon".*rt_session_ttl TIME/,
        http('rt_session_ttl soon; # <-'));
refused('a negative time', qr/"-1s"/, http('rt_session_ttl -1s; # <-'));
refused('no place to linger', qr/max=0.*max=NUMBER.*from 1/,
        http('rt_session_ttl 1m max=0; # <-'));
refused('more than can be counted', qr/tenant=99999999999999999999/,
        http('rt_session_ttl 1m tenant=99999999999999999999; # <-'));
refused('another word', qr/most=5.*max=NUMBER/,
        http('rt_session_ttl 1m most=5; # <-'));
refused('a time in a location', qr/rt_session_ttl.*not allowed here/,
        location('rt_session_ttl 1m; # <-'));

accepted('a backlog', http('rt_max_backlog 100m;'));
accepted('a backlog of a tenant', http('rt_max_backlog 1g tenant=1m;'));
accepted('a backlog, of which a quarter is too little', http('rt_max_backlog 1m;'));
refused('a backlog twice', qr/rt_max_backlog.*duplicate/,
        http('rt_max_backlog 8m;', 'rt_max_backlog 8m; # <-'));
refused('a backlog that is tiny', qr/rt_max_backlog.*1m/,
        http('rt_max_backlog 1k; # <-'));
refused('a tenant with more than the worker', qr/rt_max_backlog/,
        http('rt_max_backlog 8m tenant=9m; # <-'));
refused('a backlog that overflows', qr/rt_max_backlog/,
        http('rt_max_backlog 99999999999999999999m; # <-'));
refused('a backlog of what', qr/user=1m.*tenant=SIZE/,
        http('rt_max_backlog 8m user=1m; # <-'));
refused('a backlog in a location', qr/rt_max_backlog.*not allowed here/,
        location('rt_max_backlog 8m; # <-'));

accepted('limits', http('rt_namespace chat;',
    'rt_limit commands session rate=100r/s burst=200;',
    'rt_limit commands tenant rate=600r/m;',
    'rt_limit publish tenant rate=1000r/s burst=2000;',
    'rt_limit publish namespace rate=100r/s;',
    'rt_limit publish namespace=chat rate=10r/s burst=1;',
    'rt_limit publish user rate=1r/m burst=1440;',
    'rt_limit publish key rate=1073741824r/s;',
    'rt_limit bytes tenant rate=10m/s burst=1g;',
    'rt_limit bytes session rate=600k/m;',
    'rt_limit connections tenant max=1;', 'rt_limit sessions user max=5;',
    'rt_limit channels tenant max=1000;', 'rt_limit zone tenant max=16k;'));
accepted('a limit of streams', http('rt_limit streams tenant max=1m;',
                                    'rt_redis redis://127.0.0.1;'));
refused('a limit of streams without Redis', qr/streams" is for.*rt_redis URL/,
        http('rt_limit streams tenant max=1m;'));
refused('a limit of streams that is too small', qr/max=1023k.*1048576/,
        http('rt_redis redis://127.0.0.1;',
             'rt_limit streams tenant max=1023k; # <-'));
refused('a limit of streams of a user', qr/"streams" cannot be.*"user"/,
        http('rt_limit streams user max=1m; # <-'));
refused('a limit of what', qr/"joy".*"commands".*"zone".*"streams"/,
        http('rt_limit joy tenant max=5; # <-'));
refused('a limit for whom', qr/"publish" cannot be.*"node".*"tenant"/,
        http('rt_limit publish node rate=1r/s; # <-'));
refused('a limit that nobody has', qr/"sessions" cannot be.*"tenant"/,
        http('rt_limit sessions tenant max=1; # <-'));
refused('a limit of subscriptions', qr/rt_max_channels NUMBER/,
        http('rt_limit subscriptions session max=1; # <-'));
refused('a limit of messages', qr/rt_max_message SIZE/,
        http('rt_limit message tenant max=1k; # <-'));
refused('a limit for an unknown namespace', qr/"none" is unknown.*rt_namespace/,
        http('rt_limit publish namespace=none rate=1r/s; # <-'));
refused('a limit twice', qr/rt_limit publish tenant.*already/,
        http('rt_limit publish tenant rate=1r/s;',
             'rt_limit publish tenant rate=2r/s; # <-'));
refused('a count twice', qr/rt_limit zone tenant.*already/,
        http('rt_limit zone tenant max=1m;',
             'rt_limit zone tenant max=1m; # <-'));
refused('a limit of a namespace twice', qr/namespace=chat.*already/,
        http('rt_namespace chat;',
             'rt_limit publish namespace=chat rate=1r/s;',
             'rt_limit publish namespace=chat rate=1r/s; # <-'));
refused('a rate without a time', qr/rate=5.*NUMBERr\/s/,
        http('rt_limit publish tenant rate=5; # <-'));
refused('a rate of requests for bytes', qr/rate=5r\/s.*SIZE\/s/,
        http('rt_limit bytes tenant rate=5r/s; # <-'));
refused('a rate of zero', qr/rate=0r\/s/,
        http('rt_limit publish tenant rate=0r/s; # <-'));
refused('a negative rate', qr/rate=-1r\/s/,
        http('rt_limit publish tenant rate=-1r/s; # <-'));
refused('a rate that overflows', qr/rate=9{20}r\/s/,
        http('rt_limit publish tenant rate=99999999999999999999r/s; # <-'));
refused('a rate over the most', qr/over 1g/,
        http('rt_limit publish tenant rate=1073741825r/s; # <-'));
refused('a rate an hour', qr/rate=1r\/h/,
        http('rt_limit publish tenant rate=1r/h; # <-'));
refused('a rate with a variable', qr/rate=\$host/,
        http('rt_limit publish tenant rate=$host; # <-'));
refused('a burst without a rate', qr/no "rate="/,
        http('rt_limit publish tenant burst=5; # <-'));
refused('a burst of zero', qr/burst=0/,
        http('rt_limit publish tenant rate=1r/s burst=0; # <-'));
refused('a burst of more than a day', qr/back within a day/,
        http('rt_limit publish tenant rate=1r/m burst=1441; # <-'));
refused('a rate twice', qr/rate=2r\/s/,
        http('rt_limit publish tenant rate=1r/s rate=2r/s; # <-'));
refused('a rate with max=', qr/max=5.*rate=NUMBERr\/s/,
        http('rt_limit publish tenant max=5; # <-'));
refused('a count with rate=', qr/rate=1r\/s.*max=NUMBER/,
        http('rt_limit channels tenant rate=1r/s; # <-'));
refused('a count of zero', qr/max=0/,
        http('rt_limit channels tenant max=0; # <-'));
refused('a share that is tiny', qr/max=15k.*16384/,
        http('rt_limit zone tenant max=15k; # <-'));
refused('a burst that no message fits in', qr/rt_max_message.*burst=65536/,
        [$zone . "    rt_limit bytes tenant rate=1k/s burst=1k;\n",
         '        location /x { rt_websocket zone=live; }']);
refused('a limit in a location', qr/rt_limit.*not allowed here/,
        location('rt_limit channels tenant max=5; # <-'));

refused('a namespace without a name', qr/rt_namespace/,
        http('rt_namespace; # <-'));
refused('a namespace twice', qr/chat.*(?:already|twice|duplicate)/,
        http('rt_namespace chat;', 'rt_namespace chat; # <-'));
refused('default twice', qr/default.*(?:already|twice|duplicate)/,
        http('rt_namespace default;', 'rt_namespace default; # <-'));
refused('a name of one letter', qr/"a"/, http('rt_namespace a; # <-'));
refused('a name with a colon', qr/a:b/, http('rt_namespace a:b; # <-'));
refused('a name outside ASCII', qr/namespace/,
        http("rt_namespace caf\xc3\xa9; # <-"));
refused('an unknown subscribe=', qr/subscribe=all/,
        http('rt_namespace chat subscribe=all; # <-'));
refused('an unknown publish=', qr/publish=all/,
        http('rt_namespace chat publish=all; # <-'));
refused('an unknown option', qr/slowly/,
        http('rt_namespace chat slowly; # <-'));
refused('an option twice', qr/publish=any/,
        http('rt_namespace chat publish=none publish=any; # <-'));
refused('durable, without Redis', qr/durable/,
        http('rt_namespace chat durable; # <-'));
refused('a variable in an option', qr/\$host/,
        http('rt_namespace chat publish=$host; # <-'));
refused('a namespace in a location', qr/rt_namespace.*not allowed here/,
        location('rt_namespace chat; # <-'));

# ---- rt_websocket, rt_echo, rt_api, rt_metrics

accepted('a location of each kind', [$zone, <<'_EOC_']);
        location /ws { rt_websocket zone=live; }
        location /echo { rt_echo; }
        location /api { rt_api zone=live; rt_api_key off; }
        location /metrics { rt_metrics; }
        location /few { rt_metrics tenants=0; }
        location = /exact { rt_websocket zone=live; }
        location ~ ^/re { rt_websocket zone=live; }
_EOC_

refused('a WebSocket without a zone', qr/rt_websocket/,
        location('rt_websocket; # <-'));
refused('a WebSocket without zone=', qr/live/,
        location('rt_websocket live; # <-'));
refused('a WebSocket of no zone', qr/nope/,
        location('rt_websocket zone=nope; # <-'));
refused('a WebSocket of a zone with an empty name', qr/zone=/,
        location('rt_websocket zone=; # <-'));
refused('a WebSocket with more arguments', qr/rt_websocket/,
        location('rt_websocket zone=live foo; # <-'));
refused('a WebSocket twice', qr/rt_websocket/,
        location('rt_websocket zone=live;', 'rt_websocket zone=live; # <-'));
refused('two handlers', qr/rt_echo/,
        location('rt_websocket zone=live;', 'rt_echo; # <-'));
refused('two handlers, the other way', qr/rt_websocket/,
        location('rt_echo;', 'rt_websocket zone=live; # <-'));
refused('a WebSocket in a server', qr/rt_websocket.*not allowed here/,
        [$zone, 'rt_websocket zone=live; # <-']);
refused('an echo with arguments', qr/rt_echo/,
        location('rt_echo zone=live; # <-'));
refused('an API of no zone', qr/nope/,
        location('rt_api zone=nope; # <-', 'rt_api_key off;'));
refused('metrics with strange arguments', qr/foo/,
        location('rt_metrics foo; # <-'));
refused('metrics with too many tenants', qr/tenants=/,
        location('rt_metrics tenants=1000000; # <-'));
refused('metrics with a negative number', qr/tenants=-1/,
        location('rt_metrics tenants=-1; # <-'));

# ---- rt_api_key

my $keys = prefix() . '/keys';


sub keys_are
{
    my ($text, $mode) = @_;

    open my $f, '>', $keys or die $!;
    print $f $text;
    close $f;
}


keys_are("secret-1\n# a comment\n\nsecret-2 tenant-a tenant-b\n");

accepted('a file of keys', location('rt_api zone=live;',
                                    "rt_api_key file=$keys;"));
accepted('keys from the level above', ["$zone\n    rt_api_key file=$keys;\n",
         '        location /api { rt_api zone=live; }']);

refused('an API without a word about keys', qr/rt_api_key/,
        location('rt_api zone=live;'));
refused('a file that is not there', qr/no-such-file/,
        location('rt_api zone=live;', 'rt_api_key file=/no-such-file; # <-'));
refused('a folder', qr/\Q@{[prefix()]}\E/,
        location('rt_api zone=live;',
                 'rt_api_key file=' . prefix() . '; # <-'));
refused('an empty path', qr/file=/,
        location('rt_api zone=live;', 'rt_api_key file=; # <-'));
refused('neither file= nor off', qr/rt_api_key.*file=PATH.*off/,
        location('rt_api zone=live;', 'rt_api_key on; # <-'));
refused('keys twice', qr/duplicate/,
        location('rt_api zone=live;', 'rt_api_key off;',
                 "rt_api_key file=$keys; # <-"));

keys_are("# nothing but comments\n\n");

refused('a file without a key', qr/\Q$keys\E/,
        location('rt_api zone=live;', "rt_api_key file=$keys; # <-"));

keys_are("secret-1 " . 't' x 129 . "\n");

refused('a tenant that is too long', qr/\Q$keys\E/,
        location('rt_api zone=live;', "rt_api_key file=$keys; # <-"));

# ---- rt_jwt

my $secret = prefix() . '/secret';


sub secret_is
{
    my ($text) = @_;

    open my $f, '>', $secret or die $!;
    print $f $text;
    close $f;
}


secret_is('s' x 64 . "\n");

accepted('tokens', location('rt_websocket zone=live;',
    "rt_jwt hs256 file=$secret kid=a optional audience=us issuer=them;",
    "rt_jwt hs512 file=$secret;", 'rt_token_grace 1m;'));
accepted('tokens of the level above, and none', [$zone
    . "    rt_jwt hs256 file=$secret;\n", <<'_EOC_']);
        location /a { rt_websocket zone=live; }
        location /b { rt_websocket zone=live; rt_jwt off; rt_user $host; }
_EOC_
accepted('a user of the level above, and none', [$zone
    . "    rt_user \$host;\n", <<"_EOC_"]);
        location /a { rt_websocket zone=live; }
        location /b { rt_websocket zone=live; rt_jwt hs256 file=$secret;
                      rt_user ''; }
        location /c { rt_jwt hs256 file=$secret; }
_EOC_

refused('tokens without an algorithm', qr/rt_jwt/, http('rt_jwt; # <-'));
refused('tokens of no algorithm', qr/"none".*hs256/,
        http("rt_jwt none file=$secret; # <-"));
refused('an algorithm in capitals', qr/"HS256".*hs256/,
        http("rt_jwt HS256 file=$secret; # <-"));
refused('tokens without a file', qr/rt_jwt hs256 file=PATH/,
        http('rt_jwt hs256; # <-'));
refused('an empty path of tokens', qr/file=.*file=PATH/,
        http('rt_jwt hs256 file=; # <-'));
refused('two files', qr/file=.*each once/,
        http("rt_jwt hs256 file=$secret file=$secret; # <-"));
refused('a secret that is not there', qr/no-such-file/,
        http('rt_jwt hs256 file=/no-such-file; # <-'));
refused('a folder of secrets', qr/not a file/,
        http('rt_jwt hs256 file=' . prefix() . '; # <-'));
refused('an unknown parameter', qr/foo=1.*kid=ID/,
        http("rt_jwt hs256 file=$secret foo=1; # <-"));
refused('a kid for a set', qr/kid=a/,
        http("rt_jwt jwks file=$secret kid=a; # <-"));
refused('an empty audience', qr/audience=/,
        http("rt_jwt hs256 file=$secret audience=; # <-"));
refused('a secret for a public key', qr/\Q$secret\E.*not a public key/,
        http("rt_jwt rs256 file=$secret; # <-"));
refused('a secret for a set', qr/\Q$secret\E.*not a JWK set/,
        http("rt_jwt jwks file=$secret; # <-"));
refused('a key after off', qr/off/,
        http('rt_jwt off;', "rt_jwt hs256 file=$secret; # <-"));
refused('off after a key', qr/duplicate/,
        http("rt_jwt hs256 file=$secret;", 'rt_jwt off; # <-'));
refused('tokens and rt_user', qr/rt_jwt.*rt_user/,
        location('rt_websocket zone=live;', "rt_jwt hs256 file=$secret;",
                 'rt_user $host;'));
refused('tokens here and rt_user above', qr/rt_jwt.*rt_user/,
        ["$zone\n    rt_user \$host;\n", "        location /x {
            rt_websocket zone=live; rt_jwt hs256 file=$secret; }\n"]);
refused('a grace of what time', qr/rt_token_grace/,
        http('rt_token_grace soon; # <-'));

secret_is('s' x 31 . "\n");
refused('a secret that is short', qr/HS256 has at least 32 bytes/,
        http("rt_jwt hs256 file=$secret; # <-"));

secret_is('');
refused('an empty secret', qr/HS256 has at least 32 bytes/,
        http("rt_jwt hs256 file=$secret; # <-"));

secret_is('{"keys":[]}');
refused('an empty set', qr/there is no key/,
        http("rt_jwt jwks file=$secret; # <-"));

secret_is('{"keys":[{"kty":"oct","alg":"HS256","k":"AAAA"}]}');
refused('a set with a short secret', qr/at least 32 bytes/,
        http("rt_jwt jwks file=$secret; # <-"));

# ---- rt_origins

accepted('origins', http('rt_origins https://*.example.com https://a.b:8443'
                         . ' http://localhost:3000 null;'));
accepted('every origin', location('rt_echo;', 'rt_origins *;'));

refused('origins without one', qr/rt_origins/, http('rt_origins; # <-'));
refused('an origin without a scheme', qr/example\.com/,
        http('rt_origins example.com; # <-'));
refused('an origin with a path', qr{example\.com/},
        http('rt_origins https://example.com/; # <-'));
refused('an origin with a star inside', qr/a\.\*\.com/,
        http('rt_origins https://a.*.com; # <-'));
refused('an origin with two stars', qr/\*\.\*/,
        http('rt_origins https://*.*.com; # <-'));
refused('an origin with a bad port', qr/:99999/,
        http('rt_origins https://example.com:99999; # <-'));
refused('an origin with a variable', qr/\$host/,
        http('rt_origins https://$host; # <-'));
refused('an origin without a host', qr{https://},
        http('rt_origins https://; # <-'));

# ---- sizes, times and numbers

accepted('sizes, times and numbers', http(
    'rt_max_message 128k;', 'rt_max_queue 2m;', 'rt_connect_timeout 5s;',
    'rt_ping_interval 1m;', 'rt_pong_timeout 500ms;', 'rt_max_channels 1;',
    'rt_close_timeout 2s;'));
accepted('the same in a location', location('rt_websocket zone=live;',
    'rt_max_message 1k;', 'rt_max_queue 10k;', 'rt_connect_timeout 1s;',
    'rt_ping_interval 10s;', 'rt_pong_timeout 9s;', 'rt_max_channels 1000;'));

for my $d (qw(rt_max_message rt_max_queue rt_connect_timeout rt_ping_interval
              rt_pong_timeout rt_max_channels rt_close_timeout))
{
    refused("$d without a value", qr/$d/, http("$d; # <-"));
    refused("$d with two", qr/$d/, http("$d 1 2; # <-"));
    refused("$d negative", qr/$d/, http("$d -1; # <-"));
    refused("$d with a strange unit", qr/$d/, http("$d 1q; # <-"));
    refused("$d that overflows", qr/$d/,
            http("$d 99999999999999999999; # <-"));
    refused("$d of a variable", qr/$d/, http("$d \$host; # <-"));
    refused("$d twice", qr/$d.*duplicate/, http("$d 7;", "$d 7; # <-"));
    refused("$d of nothing", qr/$d/, http("$d 0;"));
}

refused('a pong that may take longer than the interval', qr/rt_pong_timeout/,
        location('rt_websocket zone=live;', 'rt_ping_interval 5s;',
                 'rt_pong_timeout 5s;'));

# ---- rt_log

accepted('a log', location('rt_websocket zone=live;', 'rt_log logs/rt.log;'));
accepted('a log with a format', location('rt_websocket zone=live;',
    q{rt_log logs/rt.log '$rt_tenant ${rt_close_code}x $remote_addr';}));
accepted('no log', http('rt_log off;'));

refused('a log without a path', qr/rt_log/, http('rt_log; # <-'));
refused('a log twice', qr/rt_log.*duplicate/,
        http('rt_log logs/a.log;', 'rt_log logs/b.log; # <-'));
refused('a format with a variable that is not there', qr/no_such_variable/,
        http(q{rt_log logs/rt.log '$no_such_variable'; # <- none}));
refused('a path with a variable', qr/\$host/,
        http('rt_log logs/$host.log; # <-'));

# ---- rt_redis

accepted('a Redis', http('rt_redis redis://127.0.0.1;'));
accepted('a Redis with all that may be said of it',
    http('rt_redis redis://u:p%40@[::1]:6380/3 timeout=10ms connect_timeout=10m'
         . ' backoff=10ms:10m pending=1g;'));
accepted('a socket', http('rt_redis unix:/run/r.sock?db=1 pending=256k;'));
accepted('a Redis with TLS', http('rt_redis rediss://127.0.0.1 tls_verify=off'
                                  . ' tls_name=redis.example.com;'));
refused('a Redis twice', qr/rt_redis.*duplicate/,
        http('rt_redis redis://127.0.0.1;', 'rt_redis redis://[::1]; # <-'));
refused('a Redis and two zones', qr/write one "rt_zone"/,
        http('rt_zone $host zone=other:1m;', 'rt_redis redis://127.0.0.1;'));
refused('a Redis in a location', qr/rt_redis.*not allowed here/,
        location('rt_redis redis://127.0.0.1; # <-'));
refused('a Redis without a URL', qr/invalid number of arguments/,
        http('rt_redis; # <-'));
refused('a Redis without a scheme', qr/write redis:/,
        http('rt_redis 127.0.0.1:6379; # <-'));
refused('Sentinel', qr/Sentinel is not yet/,
        http('rt_redis sentinel://127.0.0.1; # <-'));
refused('Cluster', qr/Cluster is not yet/,
        http('rt_redis cluster://127.0.0.1; # <-'));
refused('a host that is not there', qr/host not found/,
        http('rt_redis redis://no-such-host.invalid; # <-'));

for (['timeout=0', 'timeout=TIME'], ['timeout=9ms', 'timeout=TIME'],
     ['timeout=11m', 'timeout=TIME'], ['timeout=5x', 'timeout=TIME'],
     ['timeout=', 'timeout=TIME'], ['timeout=1s timeout=2s', 'once'],
     ['connect_timeout=0', 'connect_timeout=TIME'],
     ['pending=255k', 'pending=SIZE'], ['pending=2g', 'pending=SIZE'],
     ['pending=-1', 'pending=SIZE'], ['backoff=100ms', 'LEAST:MOST'],
     ['backoff=:1s', 'LEAST:MOST'], ['backoff=1s:', 'LEAST:MOST'],
     ['backoff=2s:1s', 'LEAST:MOST'], ['user=me', 'password_file=PATH'],
     ['tls_verify=off', 'rediss:'], ['tls_ca=/x', 'rediss:'],
     ['password_file=/no/such', 'No such file'],
     ['password_file=/dev/null', 'is not a file'],
     ['foo=1', 'write "rt_redis URL'])
{
    my ($param, $says) = @$_;

    refused("a Redis with $param", qr/\Q$says\E/,
            http("rt_redis redis://127.0.0.1 $param; # <-"));
}

for (['redis://', 'there is no host'], ['redis:///0', 'there is no host'],
     ['redis://:6379', 'there is no host'],
     ['redis://u:p@', 'there is no host'],
     ['redis://127.0.0.1:0', 'port is not a number from 1 to 65535'],
     ['redis://127.0.0.1:65536', 'port is not a number'],
     ['redis://127.0.0.1:', 'port is not a number'],
     ['redis://127.0.0.1:99999999999999999999', 'port is not a number'],
     ['redis://127.0.0.1/x', 'number of the database'],
     ['redis://127.0.0.1/-1', 'number of the database'],
     ['redis://127.0.0.1/65536', 'number of the database'],
     ['redis://127.0.0.1/18446744073709551616', 'number of the database'],
     ['redis://127.0.0.1/1/2', 'write redis://'],
     ['redis://127.0.0.1/1x', 'write redis://'],
     ['redis://127.0.0.1?db=1', 'write redis://'],
     ['redis://u:p%@127.0.0.1', 'two hexadecimal digits'],
     ['redis://u:p%4@127.0.0.1', 'two hexadecimal digits'],
     ['redis://u:p%zz@127.0.0.1', 'two hexadecimal digits'],
     ['redis://u:p%00@127.0.0.1', 'and not 00'],
     ['redis://%@127.0.0.1', 'two hexadecimal digits'],
     ['redis://u:a/b@127.0.0.1', 'written as %2F'],
     ['redis://u@127.0.0.1', 'a user has no password'],
     ['redis://::1', 'there is no host'],
     ['redis://[::1', 'in brackets'],
     ['redis://a,b', 'no name of one has'],
     ['REDIS://127.0.0.1', 'write redis://'],
     ['redis:127.0.0.1', 'write redis://'],
     ['unix:', 'has to begin with "/"'], ['unix:r.sock', 'begin with "/"'],
     ['unix://host/r.sock', 'has no host'],
     ['unix:/r.sock?db=x', 'number of the database'],
     ['unix:/r.sock?db=', 'number of the database'],
     ['unix:/r.sock?x=1', '?db=DB'],
     ['unix:/' . 'r' x 107, 'more than 107 bytes'],
     ['unix:/r%2', 'two hexadecimal digits'])
{
    my ($url, $says) = @$_;

    refused("a Redis at $url", qr/\Q$says\E/, http("rt_redis $url; # <-"));
}

# what does not fit, below and above, and what is said twice
for (['timeout=-1', 'timeout=TIME'], ['timeout=-5s', 'timeout=TIME'],
     ['timeout=99999999999999999999s', 'timeout=TIME'],
     ['timeout=4294967296', 'timeout=TIME'],
     ['connect_timeout=-1s', 'connect_timeout=TIME'],
     ['connect_timeout=11m', 'connect_timeout=TIME'],
     ['connect_timeout=1s connect_timeout=1s', 'once'],
     ['backoff=0:1s', 'LEAST:MOST'], ['backoff=-1s:1s', 'LEAST:MOST'],
     ['backoff=1s:11m', 'LEAST:MOST'], ['backoff=1s:2s:3s', 'LEAST:MOST'],
     ['backoff=1s:2s backoff=1s:2s', 'once'],
     ['pending=0', 'pending=SIZE'], ['pending=1x', 'pending=SIZE'],
     ['pending=99999999999999999999g', 'pending=SIZE'],
     ['pending=18014398509481985k', 'pending=SIZE'],
     ['pending=1m pending=1m', 'once'], ['user=', 'once'],
     ['user=a user=b', 'once'], ['password_file=', 'once'],
     ['password_file=/x password_file=/y', 'once'],
     ['tls_name=a', 'rediss:'], ['tls_cert=/x tls_key=/y', 'rediss:'],
     ['TIMEOUT=1s', 'write "rt_redis URL'], ['redis://[::1]', 'write "rt_'])
{
    my ($param, $says) = @$_;

    refused("a Redis with $param", qr/\Q$says\E/,
            http("rt_redis redis://127.0.0.1 $param; # <-"));
}

for (['tls_ca=/etc/passwd', 'paths of PEM files'],
     ['tls_ca=/', 'paths of PEM files'],
     ['tls_ca=/x tls_ca=/y', 'once'], ['tls_name=', 'once'],
     ['tls_name=a tls_name=b', 'once'],
     ['tls_verify=on tls_verify=off', 'once'],
     ['tls_cert=/no/such tls_key=/no/such', 'paths of PEM files'],
     ['tls_key=/x', 'tls_cert=PATH tls_key=PATH'])
{
    my ($param, $says) = @$_;

    refused("a Redis with TLS and $param", qr/\Q$says\E/,
            http("rt_redis rediss://127.0.0.1 $param; # <-"));
}

refused('TLS for a socket', qr/rediss:/,
        http('rt_redis unix:/r.sock tls_verify=off; # <-'));
refused('a certificate without a key', qr/tls_cert=PATH tls_key=PATH/,
        http('rt_redis rediss://127.0.0.1 tls_cert=/x; # <-'));
refused('tls_verify with another word', qr/tls_verify=on/,
        http('rt_redis rediss://127.0.0.1 tls_verify=yes; # <-'));
refused('an authority that is not there', qr/paths of PEM files/,
        http('rt_redis rediss://127.0.0.1 tls_ca=/no/such; # <-'));
refused('two passwords', qr/password is in the URL and in/,
        http('rt_redis redis://:s3cret@127.0.0.1 password_file=/x; # <-'));

{
    my (undef, $said) = judged(whole($zone
        . 'rt_redis redis://u:s3cret%@127.0.0.1;'));

    unlike($said, qr/s3cret/, 'a password is not told');
}

done_testing();
