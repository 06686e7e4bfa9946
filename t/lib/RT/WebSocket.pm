package RT::WebSocket;

# The WebSocket half of RT::Client: the handshake's key, frames both ways, and
# what they carry.  Whatever a server may not send ends the conversation.

use strict;
use warnings;

use Digest::SHA qw(sha1_base64);
use MIME::Base64 qw(encode_base64);

my $GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

my %OPCODE = (0 => 'continuation', 1 => 'text', 2 => 'binary', 8 => 'close',
              9 => 'ping', 10 => 'pong');


sub new_key
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


# op, fin, rsv, mask: as in the frame, beyond 1 the mask's key; len: the length
# to announce;
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

    my $mask = pack 'N', $masked > 1 ? $masked : int rand 2 ** 32;
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
