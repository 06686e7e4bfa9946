package RT::Client;

# One connection to nginx that speaks HTTP/1.1 and, after a 101, WebSocket.
# Sockets never block: whatever a test waits for, pump() reads and writes on
# all clients of the conversation, so that none of them is slow by accident.
# What was said goes to the conversation's transcript.

use strict;
use warnings;

use Digest::SHA qw(sha1_base64);
use Errno qw(EAGAIN EINTR);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::SSL;
use MIME::Base64 qw(encode_base64);
use Socket qw(IPPROTO_TCP TCP_NODELAY SOL_SOCKET SO_RCVBUF);
use Time::HiRes qw(sleep time);

our $TIMEOUT = $ENV{TEST_RT_TIMEOUT} || 10;

my $GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

my %OPCODE = (0 => 'continuation', 1 => 'text', 2 => 'binary', 8 => 'close',
              9 => 'ping', 10 => 'pong');


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

    my $s = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', Proto => 'tcp', Timeout => $TIMEOUT,
        PeerPort => $self->{tls} ? $self->{tls_port} : $self->{port})
        or die "$self->{name}: cannot connect: $@\n";

    setsockopt $s, IPPROTO_TCP, TCP_NODELAY, 1;
    setsockopt $s, SOL_SOCKET, SO_RCVBUF, $self->{rcvbuf}
        if $self->{rcvbuf};

    if ($self->{tls}) {
        IO::Socket::SSL->start_SSL($s, SSL_verify_mode => SSL_VERIFY_NONE,
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
            return if _again();
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
    sleep 0.0005 if $piece;

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
        pump(0, $self);
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
    $self->note("$method $path" . (length $body ? ' ' . $body : ''));
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


# ---- WebSocket

sub key
{
    return encode_base64(join('', map { chr int rand 256 } 1 .. 16), '');
}


sub upgraded
{
    my ($self) = @_;

    my $res = $self->{response};
    my $h = $res->{headers};

    die "$self->{name}: expected 101, got $res->{status}\n"
        if $res->{status} != 101;

    my $want = sha1_base64($self->{key} . $GUID);
    $want .= '=' while length($want) % 4;

    my %is = (upgrade => 'websocket', connection => 'upgrade',
              'sec-websocket-accept' => $want);

    for my $name (sort keys %is) {
        my $got = $h->{$name} // [];

        die "$self->{name}: 101 with $name: @$got\n"
            if @$got != 1
               || ($name eq 'sec-websocket-accept'
                   ? $got->[0] ne $is{$name} : lc $got->[0] ne $is{$name});
    }

    die "$self->{name}: 101 names an extension\n"
        if $h->{'sec-websocket-extensions'};

    $self->{ws} = 1;
    $self->{pid} = $h->{'x-pid'}[0];
    $self->_frames;

    return;
}


# op, fin, rsv, mask: as in the frame; len: the length to announce;
# form: 7, 16 or 64 bits of length whatever it is
sub frame
{
    my ($payload, %o) = @_;

    my $n = $o{len} // length $payload;
    my $form = $o{form} // ($n < 126 ? 7 : $n < 65536 ? 16 : 64);
    my $masked = $o{mask} // 1;

    my $b0 = ($o{fin} // 1) << 7 | ($o{rsv} // 0) << 4 | ($o{op} // 1);
    my $b1 = $masked ? 0x80 : 0;

    my $f = $form == 7 ? pack('CC', $b0, $b1 | $n)
            : $form == 16 ? pack('CCn', $b0, $b1 | 126, $n)
            : pack('CCQ>', $b0, $b1 | 127, $n);

    return $f . $payload if !$masked;

    my $mask = pack 'N', int rand 2 ** 32;
    my $pad = $mask x (length($payload) / 4 + 1);

    return $f . $mask . ($payload ^ substr $pad, 0, length $payload);
}


sub send_frame
{
    my ($self, $payload, %o) = @_;

    my $op = $OPCODE{$o{op} // 1} // $o{op};
    my $how = join ' ', map { "$_=$o{$_}" } sort keys %o;

    $self->note("> $payload") if !%o;
    $self->note("> ($op $how) $payload") if %o;

    $self->{close_sent} = 1 if ($o{op} // 1) == 8;
    $self->send_bytes(frame($payload, %o));

    return;
}


# whole frames of what was read
sub _frames
{
    my ($self) = @_;

    while (length $self->{in} >= 2) {
        my ($b0, $b1) = unpack 'CC', $self->{in};
        my ($head, $n) = (2, $b1 & 0x7f);

        if ($n >= 126) {
            my $min = $n == 126 ? 126 : 65536;

            $head = $n == 126 ? 4 : 10;
            return if length $self->{in} < $head;

            $n = $head == 4 ? unpack('x2n', $self->{in})
                            : unpack('x2Q>', $self->{in});

            $self->_bad("a length of $n in the long form") if $n < $min;
        }

        return if length $self->{in} < $head + $n;

        my $payload = substr $self->{in}, $head, $n;
        substr $self->{in}, 0, $head + $n, '';

        $self->_bad('masked') if $b1 & 0x80;
        $self->_bad('reserved bits') if $b0 & 0x70;
        $self->_frame($b0 & 0x0f, $b0 >> 7, $payload);
    }

    return;
}


sub _bad
{
    my ($self, $what) = @_;

    die "$self->{name}: the server sent a bad frame: $what\n";
}


sub _frame
{
    my ($self, $op, $fin, $payload) = @_;

    if ($self->{close}) {
        $self->{frames_after_close}++;
        $self->note("< ($OPCODE{$op} after the close)");
        return;
    }

    if ($op >= 8) {
        $self->_bad('a control frame in parts') if !$fin;
        $self->_bad('a long control frame') if length $payload > 125;
    }

    if ($op == 8) {
        $self->_close_frame($payload);

    } elsif ($op == 10) {
        $self->note("< (pong) $payload");
        push @{$self->{pongs}}, $payload;

    } elsif ($op == 9) {
        $self->note("< (ping) $payload");
        $self->send_frame($payload, op => 10);

    } else {
        $self->_data($op, $fin, $payload);
    }

    return;
}


sub _close_frame
{
    my ($self, $payload) = @_;

    $self->_bad('a close of one byte') if length $payload == 1;

    my ($code, $reason) = length $payload ? unpack('na*', $payload)
                                          : (1005, '');

    $self->_bad("a close with $code")
        if length $payload && grep { $code == $_ } 1005, 1006, 1015;

    $self->note("< (close) $code $reason");
    $self->{close} = { code => $code, reason => $reason };

    return;
}


sub _data
{
    my ($self, $op, $fin, $payload) = @_;

    my $m = $self->{message};

    if ($op == 0) {
        $self->_bad('an orphan continuation') if !$m;
        $m->[1] .= $payload;

    } else {
        $self->_bad('a message inside a message') if $m;
        $m = $self->{message} = [$op, $payload];
    }

    return if !$fin;

    $self->{message} = undef;

    if ($m->[0] == 1) {
        my $copy = $m->[1];
        $self->_bad('text that is not UTF-8') if !utf8::decode($copy);
    }

    $self->note("< $m->[1]");
    $m->[1] = $self->_without_pings($m->[1]) if $self->{protocol};

    push @{$self->{messages}}, $m if length $m->[1] || !$self->{protocol};

    return;
}


sub _without_pings
{
    my ($self, $text) = @_;

    my @lines = split /\n/, $text;
    my @rest = grep { $_ ne '{}' } @lines;

    for (@rest + 1 .. @lines) {
        $self->{pings}++;
        $self->send_frame('{}') if !$self->{mute};
    }

    return join "\n", @rest;
}


# the next object of the protocol, or undef
sub line
{
    my ($self, $seconds) = @_;

    if (!@{$self->{lines}}) {
        $self->wait_for(sub { @{$self->{messages}} || $self->{close} },
                        $seconds);

        my $m = shift @{$self->{messages}} or return undef;
        push @{$self->{lines}}, split /\n/, $m->[1];
    }

    return shift @{$self->{lines}};
}


sub message
{
    my ($self) = @_;

    die "$self->{name}: objects are left: $self->{lines}[0]\n"
        if @{$self->{lines}};

    $self->wait_for(sub { @{$self->{messages}} || $self->{close} });

    return shift @{$self->{messages}};
}


1;
