package RT::Client;

# One connection to nginx that speaks HTTP/1.1 and, after a 101, WebSocket.
# Sockets never block: whatever a test waits for, pump() reads and writes on
# all clients of the conversation, so that none of them is slow by accident.
# What was said goes to the conversation's transcript.

use strict;
use warnings;

use Errno qw(EAGAIN EINTR);
use IO::Select;
use IO::Socket::IP;
use IO::Socket::SSL;
use Socket qw(IPPROTO_TCP TCP_NODELAY SOL_SOCKET SO_RCVBUF);
use Time::HiRes qw(sleep time);

use parent 'RT::WebSocket';

# a server may close while we write
$SIG{PIPE} = 'IGNORE';

our $TIMEOUT = $ENV{TEST_RT_TIMEOUT} || 10 * ($ENV{TEST_RT_SLOW} || 1);

my $tls;                                    # one context for all


sub new
{
    my ($class, %arg) = @_;

    return bless { %arg, in => '', out => '', messages => [], lines => [],
                   pongs => [], close => undef, frames_after_close => 0,
                   pings => 0, sync => 0 }, $class;
}


sub connect
{
    my ($self) = @_;

    my ($addr, $port) = $self->{spare} ? ($self->{spare},
                                          $ENV{TEST_NGINX_SPARE_PORT})
                        : ('127.0.0.1', $self->{tls} ? $self->{tls_port}
                                                     : $self->{port});

    my $s = IO::Socket::IP->new(PeerHost => $addr, PeerPort => $port,
                                Proto => 'tcp', Timeout => $TIMEOUT)
        or die "$self->{name}: cannot connect: $@\n";

    syswrite $s, "PROXY TCP4 $self->{proxied} 127.0.0.1 4321 $port\r\n"
        if $self->{proxied};

    setsockopt $s, IPPROTO_TCP, TCP_NODELAY, 1;
    setsockopt $s, SOL_SOCKET, SO_RCVBUF, $self->{rcvbuf}
        if $self->{rcvbuf};

    if ($self->{tls}) {
        $tls //= IO::Socket::SSL::SSL_Context->new(
            SSL_verify_mode => SSL_VERIFY_NONE);

        IO::Socket::SSL->start_SSL($s, SSL_reuse_ctx => $tls,
                                   Timeout => $TIMEOUT)
            or die "$self->{name}: TLS: $IO::Socket::SSL::SSL_ERROR\n";
    }

    $s->blocking(0);

    @$self{qw(sock in out eof ws message)} = ($s, '', '', 0, 0, undef);

    return;
}


sub drop
{
    my ($self) = @_;

    return if !$self->{sock};

    if ($self->{tls}) {
        $self->{sock}->close(SSL_no_shutdown => 1);

    } else {
        close $self->{sock};
    }

    $self->{sock} = undef;
    $self->{eof} = 1;

    return;
}


sub note
{
    my ($self, $what) = @_;

    $self->{transcript}->("$self->{name}: $what");

    return;
}


# ---- the event loop

sub pump
{
    my ($seconds, @clients) = @_;

    my ($r, $w) = (IO::Select->new, IO::Select->new);
    my @open = grep { $_->{sock} && !$_->{eof} } @clients;

    for my $c (@open) {
        $r->add($c->{sock}) if !$c->{deaf};
        $w->add($c->{sock}) if length $c->{out};
        $seconds = 0 if $c->{tls} && !$c->{deaf} && $c->{sock}->pending;
    }

    if (!$r->count && !$w->count) {
        sleep($seconds > 0.05 ? 0.05 : $seconds);
        return;
    }

    IO::Select->select($r, $w, undef, $seconds);

    for my $c (@open) {
        $c->_write if length $c->{out};
        $c->_read if !$c->{deaf};
    }

    return;
}


sub _again
{
    return $! == EAGAIN || $! == EINTR
           || ($SSL_ERROR && ($SSL_ERROR == SSL_WANT_READ
                              || $SSL_ERROR == SSL_WANT_WRITE));
}


sub _read
{
    my ($self) = @_;

    for (1 .. 64) {
        my $n = sysread $self->{sock}, $self->{in}, 65536, length $self->{in};

        if (!defined $n) {
            last if _again();
            $self->note("(read: $!)");
            $n = 0;
        }

        if ($n == 0) {
            $self->{eof} = 1;
            last;
        }
    }

    $self->_frames if $self->{ws};

    return;
}


sub _write
{
    my ($self) = @_;

    my $piece = $self->{piece};
    my $len = $piece && $piece < length $self->{out}
              ? $piece : length $self->{out};
    $len = 65536 if $len > 65536;

    my $n = syswrite $self->{sock}, $self->{out}, $len;

    if (!defined $n) {
        return if _again();
        $self->note("(write: $!)");
        $self->{out} = '';
        return;
    }

    substr $self->{out}, 0, $n, '';
    sleep 0.0005 if $piece && $piece < 16;

    return;
}


# runs the loop until $ready is true; false: it never was
sub wait_for
{
    my ($self, $ready, $seconds) = @_;

    my $end = time + ($seconds // $TIMEOUT);

    while (!$ready->()) {
        my $left = $end - time;
        return 0 if $left <= 0;

        return 0 if $self->{eof} && !defined $seconds;

        pump($left, @{$self->{clients}->()});
    }

    return 1;
}


sub send_bytes
{
    my ($self, $bytes) = @_;

    $self->connect if !$self->{sock};
    $self->{out} .= $bytes;

    if (length $bytes > 65536 || $self->{piece}) {
        $self->wait_for(sub { !length $self->{out} });

    } else {
        pump(0, @{$self->{clients}->()});
    }

    return;
}


# ---- HTTP

sub http
{
    my ($self, $method, $path, $version, $headers, $body) = @_;

    $self->drop if $self->{sock} && $self->{eof};

    my @lines = map { "$_->[0]: $_->[1]" } @$headers;

    $self->{method} = $method;
    $self->note("$method $path" . ($body =~ /^[\[{]/ ? " $body" : ''));
    $self->send_bytes(join("\r\n", "$method $path HTTP/$version", @lines, '',
                           '') . $body);
    return;
}


# { status, headers => { lower case => [values] }, body }
sub response
{
    my ($self) = @_;

    my $head;

    $self->wait_for(sub { $self->{in} =~ /\r\n\r\n/ })
        or die "$self->{name}: no response"
               . ($self->{eof} ? ", the connection was closed\n" : "\n");

    ($head, $self->{in}) = split /\r\n\r\n/, $self->{in}, 2;

    my ($first, @lines) = split /\r\n/, $head;
    my ($status) = $first =~ m{^HTTP/1\.1 (\d{3}) }
        or die "$self->{name}: bad status line: \"$first\"\n";

    die "$self->{name}: a 101 of no known reason: \"$first\"\n"
        if $status == 101 && $first !~ / 101 Switching Protocols$/;

    my %h;
    for (@lines) {
        my ($name, $value) = /^([^:\s]+):\s*(.*?)\s*$/
            or die "$self->{name}: bad header: \"$_\"\n";
        push @{$h{lc $name}}, $value;
    }

    my $res = { status => $status, headers => \%h, body => '' };
    $self->{response} = $res;

    if ($status != 101) {
        $res->{body} = $self->_body(\%h);
    }

    $self->note("$status" . (length $res->{body} ? " $res->{body}" : ''));

    return $res;
}


sub _body
{
    my ($self, $h) = @_;

    return '' if $self->{method} eq 'HEAD';

    my $body = '';

    if (($h->{'transfer-encoding'}[0] // '') eq 'chunked') {
        while (1) {
            $self->wait_for(sub { $self->{in} =~ /^([0-9a-f]+)\r\n/i
                                  && length $self->{in}
                                     >= length($&) + hex($1) + 2 })
                or die "$self->{name}: a chunk is cut\n";

            $self->{in} =~ s/^([0-9a-f]+)\r\n//i;
            my $chunk = substr $self->{in}, 0, hex($1) + 2, '';
            return $body if length $chunk == 2;
            $body .= substr $chunk, 0, -2;
        }
    }

    if (defined(my $n = $h->{'content-length'}[0])) {
        $self->wait_for(sub { length $self->{in} >= $n })
            or die "$self->{name}: the body is cut\n";
        return substr $self->{in}, 0, $n, '';
    }

    $self->wait_for(sub { $self->{eof} }, $TIMEOUT);
    return $self->{in};
}


sub closing
{
    my ($self) = @_;

    my $how = $self->{response}{headers}{connection}[0] // '';

    return lc $how eq 'close';
}


1;
