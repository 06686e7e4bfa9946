package RT::Hear;

# The actions of a conversation that tell what a client hears; the list of
# them is in RT::Conversation, which inherits these methods.

use strict;
use warnings;

use RT::Client;
use RT::Json;


sub _next
{
    my ($self, $c, $want) = @_;

    return $c->line // die "$c->{name}: expected $want, got "
        . ($c->{close} ? "a close $c->{close}{code} $c->{close}{reason}"
           : $c->{eof} ? 'the end of the stream' : 'nothing') . "\n";
}


sub _compare
{
    my ($self, $want, $got) = @_;

    return RT::Json::differs(RT::Json::parse($want, 1),
                             RT::Json::parse($got), $self->{kept});
}


sub _hear
{
    my ($self, $c, $want) = @_;

    my @details = @{$self->{details}};
    my @any = ($want, map { /^\| (.*)$/s ? $1 : () } @details);

    return $self->_hear_any($c, @any) if @any > 1;

    for my $w ($want, map { /^< (.*)$/s ? $1 : die "not \"< ...\": $_\n" }
                      @details)
    {
        my $got = $self->_next($c, $w);
        my $why = $self->_compare($w, $got);

        die "$c->{name}: expected $w\n  got $got\n  $why\n" if defined $why;
    }

    return;
}


sub _hear_any
{
    my ($self, $c, @want) = @_;

    while (@want) {
        my $got = $self->_next($c, join ' or ', @want);
        my @rest = @want;
        my $found;

        for my $k (0 .. $#want) {
            next if defined $self->_compare($want[$k], $got);
            splice @rest, $k, 1;
            $found = 1;
            last;
        }

        die "$c->{name}: expected " . join("\n  or ", @want)
            . "\n  got $got\n" if !$found;

        @want = @rest;
    }

    return;
}


sub _hear_exactly
{
    my ($self, $c, $want) = @_;

    my $got = $self->_next($c, $want);

    die "$c->{name}: expected $want\n  got $got\n" if $got ne $want;

    return;
}


sub _message
{
    my ($self, $c, $type, $want) = @_;

    my $m = $c->message
        // die "$c->{name}: expected a message, got "
               . ($c->{close} ? "a close $c->{close}{code}" : 'nothing')
               . "\n";

    die "$c->{name}: the opcode is $m->[0]\n"
        if $m->[0] != ($type eq 'binary' ? 2 : 1);

    die "$c->{name}: expected " . length($want) . ' bytes: '
        . substr($want, 0, 80) . "\n  got " . length($m->[1]) . ' bytes: '
        . substr($m->[1], 0, 80) . "\n" if $m->[1] ne $want;

    return;
}


sub _pong
{
    my ($self, $c, $want) = @_;

    $c->wait_for(sub { @{$c->{pongs}} || $c->{close} });

    my $got = shift @{$c->{pongs}} // die "$c->{name}: no pong\n";

    die "$c->{name}: expected pong $want, got $got\n" if $got ne $want;

    return;
}


sub _pinged
{
    my ($self, $c) = @_;

    $c->wait_for(sub { $c->{pings} })
        or die "$c->{name}: the server sends no ping\n";

    $c->{pings}--;

    return;
}


sub _closed
{
    my ($self, $c, $code, $reason) = @_;

    $c->wait_for(sub { $c->{close} || @{$c->{messages}} })
        or die "$c->{name}: no close frame"
               . ($c->{eof} ? ', only the end of the stream' : '') . "\n";

    $self->_nothing_pending($c);

    my $close = $c->{close} or die "$c->{name}: no close frame\n";

    die "$c->{name}: closed with $close->{code} $close->{reason}\n"
        if !grep { $_ == $close->{code} } split /\|/, $code
           or (defined $reason && !matches($reason, $close->{reason}));

    if (!$c->{close_sent} && !$c->{eof}) {
        $c->send_frame(pack('n', $close->{code}), op => 8);
    }

    $self->_end($c);

    return;
}


sub _overflowed
{
    my ($self, $c, $code, $reason) = @_;

    $c->wait_for(sub { $c->{close} || $c->{eof} }, $RT::Client::TIMEOUT);
    @$c{qw(messages lines)} = ([], []);

    return $self->_closed($c, $code, $reason) if $c->{close};

    $c->{eof} or die "$c->{name}: the connection stays open\n";
    $c->{in} = '';

    return;
}


# a string, * or /regex/
sub matches
{
    my ($want, $got) = @_;

    return $got ne '' if $want eq '*';
    return $got =~ /$1/ if $want =~ m{^/(.*)/$}s;
    return $got eq $want;
}


sub _end
{
    my ($self, $c) = @_;

    $c->wait_for(sub { $c->{eof} }, $c->{patience})
        or die "$c->{name}: the server leaves the connection open\n";

    die "$c->{name}: $c->{frames_after_close} frames after the close\n"
        if $c->{frames_after_close};

    die "$c->{name}: bytes at the end: " . unpack('H*', $c->{in}) . "\n"
        if length $c->{in};

    return;
}


sub _eof
{
    my ($self, $c) = @_;

    $c->wait_for(sub { $c->{eof} })
        or die "$c->{name}: the connection stays open\n";

    die "$c->{name}: a close frame: $c->{close}{code} $c->{close}{reason}\n"
        if $c->{close};

    return;
}


sub _nothing_pending
{
    my ($self, $c) = @_;

    my @left = (@{$c->{lines}}, map { $_->[1] } @{$c->{messages}});

    die "$c->{name}: expected nothing, got $left[0]\n" if @left;

    return;
}


sub _silent
{
    my ($self, $c) = @_;

    # twice: the second one comes after what the first one's turn had queued
    for (1, 2) {
        my $mark = 'sync-' . ++$c->{sync};

        if ($c->{protocol}) {
            my $id = 900000 + $c->{sync};
            my $want = qq({"id":$id,"rpc":{"data":"$mark"}});

            $c->send_frame(qq({"id":$id,"rpc":{"method":"rt.echo",)
                           . qq("data":"$mark"}}));
            $self->{details} = [];
            $self->_hear($c, $want);

        } else {
            $self->_ping($c, $mark);
            $self->_pong($c, $mark);
        }
    }

    $self->_nothing_pending($c);

    return;
}


# at the end nobody may have heard what the test does not tell of
sub _left_over
{
    my ($self) = @_;

    for my $name (sort keys %{$self->{clients}}) {
        my $c = $self->{clients}{$name};

        $self->_nothing_pending($c);
    }

    return;
}


1;
