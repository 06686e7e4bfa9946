package RT::Config;

# Configurations under nginx -t: accepted($name, $text) and
# refused($name, $words, $text).  The text is what stands in http {}, or, if
# it is a reference to two texts, in http {} and in server {}.  The line that
# the message must name is marked with "# <-"; without a mark any line will do,
# and with "# <- none" nginx itself names no line.
#
# whole($text) makes such a text a file, judged($file) is what nginx -t says of
# a file: (status, words); served($file, $path) starts an nginx with it, and is
# the body that it answers to GET $path.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use Test::More;
use Time::HiRes qw(sleep);

our @EXPORT = qw(accepted refused prefix);
our @EXPORT_OK = qw(whole judged served);

my $top = abs_path(dirname(__FILE__) . '/../../..');
my $module = $ENV{TEST_NGINX_RT_MODULE} || "$top/build/ngx_rt_module.so";
my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
my $prefix = tempdir(CLEANUP => 1);

mkdir "$prefix/$_" for qw(logs conf);

-f $module or die "there is no $module: make\n";


sub prefix
{
    return $prefix;
}


sub whole
{
    my ($text) = @_;

    my ($http, $server) = ref $text ? @$text : ($text, '');

    return <<"_EOC_";
load_module $module;
pid       $prefix/logs/nginx.pid;
error_log stderr notice;
events {
    worker_connections 64;
}
http {
    access_log off;
    client_body_temp_path $prefix/body;
    proxy_temp_path $prefix/proxy;
    fastcgi_temp_path $prefix/fastcgi;
    uwsgi_temp_path $prefix/uwsgi;
    scgi_temp_path $prefix/scgi;
$http
    server {
        listen unix:$prefix/sock;
$server
    }
}
_EOC_
}


sub _nginx
{
    my ($conf, $how) = @_;

    open my $f, '>', "$prefix/conf/nginx.conf" or die $!;
    print $f $conf;
    close $f;

    my $said = `$nginx -e stderr $how -p $prefix/ -c conf/nginx.conf 2>&1`;

    return ($?, $said);
}


sub judged
{
    my ($conf) = @_;

    return _nginx($conf, '-t');
}


# over and gone before it returns
sub served
{
    my ($conf, $path) = @_;

    my $quiet = $conf =~ s/error_log stderr.*/error_log $prefix\/error.log;/r;
    my ($status, $said) = _nginx($quiet, '');
    die $said if $status != 0;

    my $body = _body($path);

    ($status, $said) = _nginx($quiet, '-s quit');
    die $said if $status != 0;

    sleep 0.02 while -e "$prefix/logs/nginx.pid";

    return $body;
}


sub _body
{
    my ($path) = @_;

    my $socket = IO::Socket::UNIX->new("$prefix/sock") or die "sock: $!\n";

    print $socket "GET $path HTTP/1.0\r\n\r\n";
    local $/;

    return <$socket> =~ s/^.*?\r\n\r\n//sr;
}


sub _test
{
    my ($text) = @_;

    my $conf = whole($text);
    my ($status, $said) = judged($conf);

    my ($n, $line) = 0;
    for (split /\n/, $conf) {
        $n++;
        $line = /none$/ ? '' : $n if /# <-/;
    }

    return ($status, $said, $line);
}


sub accepted
{
    my ($name, $text) = @_;

    my ($status, $said) = _test($text);

    ok($status == 0, "accepted: $name") or diag($said);
}


sub refused
{
    my ($name, $words, $text) = @_;

    my ($status, $said, $line) = _test($text);
    my $where = $line // '\d+';
    my $place = $where eq '' ? '' : " in \\S+nginx\\.conf:$where\$";

    my $why = $status == 0 ? 'nginx -t accepts it'
              : $status & 127 ? 'nginx -t died of signal ' . ($status & 127)
              : $said !~ /\[emerg\].*$words/ ? "the message lacks $words"
              : $said !~ /\[emerg\].*$place/m
                ? "the message does not name line $where" : '';

    ok($why eq '', "refused: $name") or diag("$why\n$said");
}


1;
