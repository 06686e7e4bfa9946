package RT;

# The module's tests, on top of Test::Nginx::Socket: blocks with a section
# "conversation" (see RT::Conversation), each run twice, over plain TCP and
# over TLS.  A block gets a server that is ready to use:
#
#   --- http_config        replaces what is in http {} (see $HTTP below)
#   --- more_http_config   adds to it
#   --- config             replaces what is in server {}
#   --- more_config        adds to it
#   --- workers: 4
#   --- over: plain|tls    only one of the two
#   --- allow_log: regex   alerts that are meant in this block
#
# The zone outlives a block where nginx is only reloaded, or not even that, so
# each run has a tenant of its own: its header X-Tenant is the zone's key.
#
# RT::Token makes tokens; the files of their keys are in $TEST_NGINX_TOKENS, if
# RT is imported with "tokens".  With "redis", a redis-server of the file's own
# listens at the unix socket $TEST_NGINX_REDIS; all of its blocks share it.
#
# Environment: TEST_NGINX_RT_MODULE (the .so), TEST_NGINX_SERVROOT (a folder
# below which each test file has its server root), TEST_NGINX_BINARY,
# TEST_NGINX_USE_HUP, TEST_RT_TIMEOUT (seconds to wait for an answer),
# TEST_RT_SLOW (how many times slower nginx is than usual).

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Path qw(make_path);
use Digest::MD5 ();
use IO::Socket::INET;

our ($ROOT, $TOP, $MODULE, $CERT);

# Four ports, one after the other, below those of outgoing connections: that of
# Test::Nginx's own requests, TLS, plain, and one that a block may listen to as
# $TEST_NGINX_SPARE_PORT.  TLS and plain are listened to with reuseport where
# there are several workers, which has to be said once only.
sub _free_ports
{
    for (1 .. 1000) {
        my $port = 20000 + 4 * int rand 3000;

        return $port
            if 4 == grep { IO::Socket::INET->new(LocalPort => $_, Listen => 1,
                                                 Proto => 'tcp') }
                         $port .. $port + 3;
    }

    die "no free ports\n";
}


BEGIN {
    $TOP = abs_path(dirname(__FILE__) . '/../..');
    $ROOT = $ENV{TEST_NGINX_SERVROOT} || "$TOP/build/servroot";
    $MODULE = $ENV{TEST_NGINX_RT_MODULE} || "$TOP/build/ngx_rt_module.so";

    -f $MODULE or die "there is no $MODULE: make\n";

    make_path($ROOT);
    $ROOT = abs_path($ROOT);
    $CERT = "$ROOT/test";

    $ENV{TEST_NGINX_SERVROOT} = "$ROOT/" . basename($0, '.t');
    $ENV{TEST_NGINX_SERVER_PORT} ||= $ENV{TEST_NGINX_PORT} || _free_ports();
    $ENV{TEST_NGINX_SPARE_PORT} = $ENV{TEST_NGINX_SERVER_PORT} + 3;
    $ENV{TEST_NGINX_LOG_LEVEL} ||= 'info';
    $ENV{TEST_NGINX_LOAD_MODULES} = $MODULE;
    $ENV{TEST_NGINX_TOKENS} = "$ROOT/tokens";
    $ENV{TEST_NGINX_TIMEOUT} ||= 10 * ($ENV{TEST_RT_SLOW} || 1);

    # blocks with the same configuration share one nginx, but for a reload
    $ENV{TEST_NGINX_FORCE_RESTART_ON_TEST} = $ENV{TEST_NGINX_USE_HUP} ? 1 : 0;
    $ENV{TEST_NGINX_USE_HUP} || delete $ENV{TEST_NGINX_USE_HUP};
}

use Test::Nginx::Socket;
use Test::Nginx::Util ();

use RT::Conversation;
use RT::Redis;
use RT::Shared;
use RT::Token;

our $HTTP = <<'_EOC_';
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_namespace  default publish=subscriber;
    rt_namespace  chat    publish=subscriber;
    rt_namespace  open    publish=any;
    rt_namespace  news;
    rt_namespace  users   subscribe=user;
    rt_namespace  room    publish=any presence join_leave;
    rt_namespace  seen    presence;
    rt_namespace  kept    publish=any history=10 ttl=1m;
    rt_close_timeout 100ms;
    rt_drain window=50ms;
_EOC_

our $SERVER = <<'_EOC_';
        location /connection/websocket {
            rt_websocket  zone=live;
            add_header    X-Pid $pid always;
        }
        location /echo {
            rt_echo;
            add_header    X-Pid $pid always;
        }
        location /api {
            rt_api        zone=live;
            rt_api_key    off;
        }
        location /metrics {
            rt_metrics;
        }
_EOC_

# what the error log must not have
my $ALARM = qr/\[(?:alert|emerg|crit)\]/;

# what nginx itself says of a worker that a test killed
my $KILLED = qr/exited on signal|was locked by|signal process started/;

my $number = 0;
my $log_pos = 0;
my $log_head = '';


sub import
{
    my ($class, @what) = @_;
    my $caller = caller;

    RT::Token::prepare($ENV{TEST_NGINX_TOKENS})
        if grep { $_ eq 'tokens' } @what;

    $ENV{TEST_NGINX_REDIS} = RT::Redis::prepare()
        if grep { $_ eq 'redis' } @what;

    no strict 'refs';
    *{"${caller}::run_tests"} = \&run_tests;
}


sub _certificate
{
    return if -f "$CERT.crt";

    my $tmp = "$CERT.$$";

    my $said = `openssl req -x509 -newkey ec -nodes -days 2 -batch \\
                -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=localhost \\
                -keyout $tmp.key -out $tmp.crt 2>&1`;

    die "openssl makes no certificate: $said\n" if $? != 0;

    rename "$tmp.key", "$CERT.key";
    rename "$tmp.crt", "$CERT.crt";
}


sub _prepare
{
    my ($block) = @_;

    no_root_location();
    master_on();

    my $workers = $block->workers // 1;
    my ($tls, $plain) = (server_port() + 1, server_port() + 2);

    workers($workers);
    worker_connections(1024);

    my $http = ($block->http_config // $HTTP)
               . ($block->more_http_config // '');
    my $server = ($block->config // $SERVER) . ($block->more_config // '');
    my $reuseport = $workers > 1 ? ' reuseport' : '';

    my $all = <<_EOC_;
        listen               $plain$reuseport;
        listen               $tls ssl$reuseport;
        ssl_certificate      $CERT.crt;
        ssl_certificate_key  $CERT.key;
$server
_EOC_

    # Test::Nginx looks at this section alone to see if anything has changed
    my $digest = Digest::MD5::md5_hex(join "\0", $http, $workers,
                                      $block->main_config // '');

    $block->set_value('http_config', $http);
    $block->set_value('config', $all . "        # $digest\n");
    $block->set_value('no_shutdown_error_log', 'alarms')
        if !defined $block->no_shutdown_error_log;

    return;
}


# where the last call ended, unless that was another file: it is made anew
# with each nginx
sub _log_pos
{
    my ($f) = @_;

    read $f, my $head, 64;

    $log_pos = 0 if $head ne $log_head || -s $f < $log_pos;
    $log_head = $head;

    return $log_pos;
}


# the lines of the error log since the last call
sub _log_lines
{
    my $path = "$ENV{TEST_NGINX_SERVROOT}/logs/error.log";

    open my $f, '<', $path or return;

    seek $f, _log_pos($f), 0;
    my @lines = <$f>;
    $log_pos = tell $f;

    return @lines;
}


sub _no_alarms
{
    my ($what, $allowed) = @_;

    my @alarms = grep { $_ =~ $ALARM && $_ !~ $allowed } _log_lines();
    my @first = splice @{[@alarms]}, 0, 5;

    Test::More::ok(!@alarms, $what)
        or Test::More::diag("the error log says:\n", @first);
}


sub _run
{
    my ($block, $tls) = @_;

    my $file = basename($0, '.t');
    my $log = "$ENV{TEST_NGINX_SERVROOT}/logs/error.log";

    if (open my $f, '<', $log) {
        _log_pos($f);
    }

    my $c = RT::Conversation->new(
        port => server_port() + 2, tls_port => server_port() + 1, tls => $tls,
        tenant => "$file-" . ++$number, root => server_root(),
        pid_file => "$ENV{TEST_NGINX_SERVROOT}/logs/nginx.pid",
        log_pos => $log_pos);

    my $why = $c->run($block->conversation);
    my $name = $block->name . ($tls ? ' (tls)' : ' (plain)');

    Test::More::ok(!defined $why, $name) or Test::More::diag($why);

    return $c->{killed};
}


my $helper = $Test::Nginx::Util::RunTestHelper;

$Test::Nginx::Util::RunTestHelper = sub
{
    my ($block) = @_;

    return $helper->(@_) if !defined $block->conversation;

    my $over = $block->over // 'both';
    my $killed = 0;

    for my $tls (0, 1) {
        next if $over eq ($tls ? 'plain' : 'tls');
        $killed |= _run($block, $tls);
    }

    my $allowed = $block->allow_log // '^$';
    $allowed .= "|$KILLED" if $killed;

    _no_alarms($block->name . ': no alarm in the error log', qr/$allowed/);
};


$Test::Nginx::Util::CheckShutdownErrorLog = sub
{
    my ($block, $dry_run) = @_;

    return if $dry_run;

    my $allowed = $block->allow_log // '^$';

    _no_alarms('nginx stopped without an alarm', qr/$allowed|$KILLED/);
};


add_block_preprocessor(\&_prepare);

no_shuffle();
no_long_string();
_certificate();

plan('no_plan');


1;
