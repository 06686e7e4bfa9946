package RT::Config;

# Configurations under nginx -t: accepted($name, $text) and
# refused($name, $words, $text).  The text is what stands in http {}, or, if
# it is a reference to two texts, in http {} and in server {}.  The line that
# the message must name is marked with "# <-"; without a mark any line will do,
# and with "# <- none" nginx itself names no line.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

our @EXPORT = qw(accepted refused prefix);

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


sub _test
{
    my ($text) = @_;

    my ($http, $server) = ref $text ? @$text : ($text, '');

    my $conf = <<"_EOC_";
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

    open my $f, '>', "$prefix/conf/nginx.conf" or die $!;
    print $f $conf;
    close $f;

    my $said = `$nginx -e stderr -t -p $prefix/ -c conf/nginx.conf 2>&1`;
    my $status = $?;

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
