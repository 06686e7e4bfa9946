package RT::Say;

# The actions of a conversation with which a client connects and speaks; the
# list of them is in RT::Conversation, which inherits these methods.

use strict;
use warnings;

use Socket qw(SOL_SOCKET SO_RCVBUF);

use RT::Client;


sub _open
{
    my ($self, $c, $scheme, $path, $protocols) = @_;

    my @details = @{$self->{details}};

    $c->{tls} = $scheme eq 'wss' if $scheme;
    push @details, "Sec-WebSocket-Protocol: $protocols" if $protocols;
    $self->{details} = \@details;

    $self->_try($c, undef, $path);
    $c->response;
    $c->upgraded;
    $self->{details} = [];

    my $got = $c->{response}{headers}{'sec-websocket-protocol'}[0];

    die "$c->{name}: a subprotocol that was not offered: $got\n"
        if defined $got
           && !grep { $_ eq $got } split /\s*,\s*/, $protocols // '';

    return;
}


sub _open_again
{
    my ($self, $c, $path) = @_;

    my @details = @{$self->{details}};
    my @heard = map { /^< (.*)$/s ? $1 : () } @details;

    RT::Client::pump(0, $c) if $c->{sock};
    return if $c->{sock} && !$c->{eof};

    $self->{details} = [grep { !/^< / } @details];
    $self->_open($c, undef, $path);

    $self->{details} = [];
    $self->_hear($c, $_) for @heard;

    return;
}


sub _try
{
    my ($self, $c, $method, $path, $version) = @_;

    $self->_handshake($c, $path);
    my ($headers, $first) = $self->_details($c, @{$c->{handshake}});

    $c->http($method // 'GET', $path, $version // '1.1', $headers, $first);

    return;
}


sub _handshake
{
    my ($self, $c, $path) = @_;

    # what asks another for its next line would mix two connections up
    %$c = (%$c, in => '', out => '', messages => [], lines => [], pongs => [],
           close => undef, frames_after_close => 0, pings => 0,
           close_sent => 0, key => RT::WebSocket::new_key(), ws => 0,
           protocol => $path !~ m{^/echo});
    $c->drop;

    my $port = $c->{tls} ? $c->{tls_port} : $c->{port};

    $c->{handshake} = [
        ['Host', "127.0.0.1:$port"],
        ['X-Tenant', $self->{tenant}],
        ['Upgrade', 'websocket'],
        ['Connection', 'Upgrade'],
        ['Sec-WebSocket-Version', 13],
        ['Sec-WebSocket-Key', $c->{key}],
    ];

    return;
}


# headers changed by the details, and bytes that follow them
sub _details
{
    my ($self, $c, @headers) = @_;

    my $bytes = '';
    my @text;

    for (@{$self->{details}}) {
        if (/^> (.*)$/s) {
            push @text, $1;
            next;
        }

        if (/^raw ([0-9a-fA-F ]+)$/) {
            $bytes .= _unhex($1);
            next;
        }

        /^([+-]?)([\w-]+):\s*(.*)$/s or die "not a header: $_\n";
        my ($how, $name, $value) = ($1, $2, $3);

        @headers = grep { lc $_->[0] ne lc $name } @headers if $how ne '+';
        push @headers, [$name, $value] if $how ne '-';
    }

    if (@text) {
        $c->note("> $_ (with the request)") for @text;
        $bytes .= RT::WebSocket::frame(join "\n", @text);
    }

    return (\@headers, $bytes);
}


sub _half
{
    my ($self, $c, $path) = @_;

    $self->_handshake($c, $path);
    $c->{method} = 'GET';
    $c->note("GET $path (and no more)");
    $c->send_bytes("GET $path HTTP/1.1\r\nHost: localhost\r\nUpgrade: webs");

    return;
}


# ---- saying

sub _say
{
    my ($self, $c, $text) = @_;

    for (@{$self->{details}}) {
        /^>(?: (.*))?$/s or die "not a further line: $_\n";
        $text .= "\n" . ($1 // '');
    }

    $c->send_frame($text);

    return;
}


sub _frame
{
    my ($self, $c, $options, $payload) = @_;

    my %o = map { /^(\w+)=(\w+)$/ ? ($1, $2) : () } split ' ', $options;

    $c->send_frame($payload, op => 1, %o);

    return;
}


sub _unhex
{
    my ($hex) = @_;

    $hex =~ s/\s+//g;

    return pack 'H*', $hex;
}


sub _raw
{
    my ($self, $c, $hex) = @_;

    $c->note("> (raw) $hex");
    $c->send_bytes(_unhex($hex));

    return;
}


sub _bytes
{
    my ($self, $c, $text) = @_;

    $c->note("> (bytes) $text");
    $c->send_bytes($text);

    return;
}


sub _ping
{
    my ($self, $c, $text) = @_;

    $c->send_frame($text, op => 9);

    return;
}


sub _close
{
    my ($self, $c, $code, $reason) = @_;

    $c->send_frame(defined $code ? pack('na*', $code, $reason) : '', op => 8);

    return;
}


sub _gone
{
    my ($self, $c) = @_;

    $c->note('(drops the connection)');
    $c->drop;
    @$c{qw(messages lines)} = ([], []);

    return;
}


# what the server does not take stays in the buffer of the client
sub _pour
{
    my ($self, $c, $how, $times, $text) = @_;

    my $op = $how eq 'flood' ? 9 : 1;

    $c->note("> $text ($times times)");
    $c->{out} .= RT::WebSocket::frame($text, op => $op) for 1 .. $times;

    $c->wait_for(sub { !length $c->{out} }, 1);
    $c->{out} = '';

    return;
}


sub _pieces
{
    my ($self, $c, $n) = @_;

    $c->{piece} = $n;

    return;
}


sub _spare
{
    my ($self, $c, $addr) = @_;

    $c->{spare} = $addr;

    return;
}


sub _proxied
{
    my ($self, $c, $addr) = @_;

    @$c{qw(spare proxied)} = ('127.0.0.1', $addr);

    return;
}


sub _patience
{
    my ($self, $c, $seconds) = @_;

    $c->{patience} = $seconds;

    return;
}


sub _manner
{
    my ($self, $c, $how) = @_;

    $how eq 'mute' ? $c->{mute} = 1 : ($c->{deaf} = $how eq 'deaf');

    # deaf: so that the kernel alone does not swallow all; no less than a
    # segment of the loopback, or it crawls
    if ($how ne 'mute' && $c->{sock}) {
        setsockopt $c->{sock}, SOL_SOCKET, SO_RCVBUF,
                   $how eq 'deaf' ? 131072 : 4194304;
    }

    $c->note("($how)");

    return;
}


1;
