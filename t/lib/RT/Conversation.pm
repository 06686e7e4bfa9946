package RT::Conversation;

# Runs a conversation of several clients, written down as it goes:
#
#   alice: open /connection/websocket
#          > {"id":1,"connect":{}}
#   alice: < {"id":1,"connect":{"client":"*", ...}}
#   api:   POST /api/publish {"channel":"chat:x","data":{"a":1}}
#   api:   200 {"result":{}}
#   alice: < {"push":{"channel":"chat:x","pub":{"data":{"a":1}}}}
#   alice: closed 3501 bad request
#
# A line is "WHO: ACTION"; indented lines below it are its details.  WHO is a
# name, a list (alice, bob) or a range (s1..s20): all do the same, in turn.
# "100 x ACTION" does it a hundred times.  "# ..." is a comment.
# {{perl}} is replaced by its value; it may use $i (the repetition, from 1),
# $n (the number in WHO), $me, $tenant, $origin (the server's), $port, and
# kept("name") for what a "*name" in an expected message caught.
#
# Connecting
#   open [ws:|wss:]PATH [PROTOCOL,...]   a handshake that must succeed
#   if gone open PATH                    for those whose connection has ended;
#                                        details "< JSON" are what they hear
#   try [METHOD] PATH [HTTP/1.0]         one that is judged by the next line
#   half PATH                            the first half of one
#   101, 403, 400|405, ...               the response's status
#     Name: value   a header to send (or, below a status, to get; * any)
#     +Name: value  one more of that name        -Name:  none of that name
#     > TEXT, raw HEX   first frames, in the same segment as the request
# Saying
#   > TEXT            a text message; details "> ..." are further lines of it
#   frame k=v.. TEXT  a frame (op fin rsv mask len form)
#   raw HEX           bytes;  bytes TEXT: the same, as text
#   ping TEXT, close [CODE [REASON]], gone (drops the connection)
#   pour N TEXT       N text messages, as far as the server takes them
#   pieces N          from now on, N bytes a write;  pieces 0: whole
#   deaf, listens     stops and resumes reading
#   mute              does not answer the protocol's pings
# Hearing
#   < JSON            the next object, see RT::Json; details "< ..." are the
#                     next ones; details "| ..." come with it in any order
#   <= TEXT           the next object, byte by byte
#   message TEXT      the next whole message;  binary TEXT
#   pong TEXT         a pong frame
#   pinged            the protocol's ping has come
#   closed CODE|... [REASON]   one close frame, nothing after it, the end of
#                     the stream; 1005: without a code; REASON: exact, * or
#                     /regex/
#   overflowed CODE [REASON]   the same after any messages, or, where there
#                     is no room for the frame, just the end of the stream
#   eof               the end of the stream with no close frame
#   silent            nothing is pending: what a round trip brings is its own
# HTTP
#   GET|POST|... PATH [BODY]   details: headers
#   200 [JSON], 400 ~regex     its response; details: headers
#   until 200 JSON             asks again until the response is this
# nginx itself
#   nginx: kill SIGNAL NAME    the worker that serves NAME
#   nginx: left NAME           wait until that worker is gone
#   nginx: reload              and wait for new workers
#   nginx: pids >= N of WHO    WHO are spread over N workers
#   nginx: file PATH ~regex    PATH in the server root says so, soon
#   nginx: log ~regex          the error log says so, soon
#   nginx: wait SECONDS

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use RT::Client;
use RT::Json;

my $SHOWN = 60;                             # lines of transcript on failure
my $WIDTH = 300;


# port, tls_port, tls, tenant, root, pid_file, log_pos
sub new
{
    my ($class, %arg) = @_;

    return bless { %arg, clients => {}, kept => {}, transcript => [],
                   left => [], killed => 0 }, $class;
}


sub run
{
    my ($self, $text) = @_;

    my $ok = eval {
        for my $step (_steps($text)) {
            $self->{step} = $step;
            $self->_step($step);
        }

        $self->_left_over;
        1;
    };

    my $why = $@;

    $_->drop for values %{$self->{clients}};

    return if $ok;

    return "line $self->{step}{line}: $self->{step}{text}\n$why"
           . $self->_transcript;
}


sub _transcript
{
    my ($self) = @_;

    my @t = @{$self->{transcript}};
    my $cut = @t > $SHOWN ? @t - $SHOWN : 0;

    splice @t, 0, $cut;

    return "the conversation so far:\n"
           . ($cut ? "  ... ($cut lines before)\n" : '')
           . join '', map { "  $_\n" } @t;
}


# ---- reading

sub _steps
{
    my ($text) = @_;

    my @steps;
    my $n = 0;

    for my $line (split /\n/, $text) {
        $n++;
        next if $line =~ /^\s*(#.*)?$/;

        if ($line =~ /^\s+(.*)$/) {
            die "details without an action in line $n\n" if !@steps;
            push @{$steps[-1]{details}}, $1;
            next;
        }

        $line =~ /^([\w., ]+):\s*(?:(\d+) x )?(.*?)$/
            or die "not \"WHO: ACTION\" in line $n: $line\n";

        push @steps, { who => $1, times => $2 // 1, action => $3,
                       details => [], line => $n, text => $line };
    }

    return @steps;
}


sub _names
{
    my ($who) = @_;

    my @names;

    for (split /\s*,\s*/, $who) {
        if (/^(\w*?)(\d+)\.\.\1(\d+)$/) {
            push @names, map { "$1$_" } $2 .. $3;

        } else {
            push @names, $_;
        }
    }

    return @names;
}


sub _step
{
    my ($self, $step) = @_;

    for my $me (_names($step->{who})) {
        for my $i (1 .. $step->{times}) {
            my $fill = sub { $self->_fill($_[0], $me, $i) };

            $self->_act($me, $fill->($step->{action}),
                        map { $fill->($_) } @{$step->{details}});
        }
    }

    return;
}


sub _fill
{
    my ($self, $text, $me, $i) = @_;

    return $text if index($text, '{{') < 0;

    my ($n) = $me =~ /(\d+)$/;

    $text =~ s/\{\{(.+?)\}\}/RT::Conversation::Fill::value(
                   $self, $1, $me, $i, $n)/gse;

    return $text;
}


my @ACTIONS = (
    [qr/^open (?:(wss?):)?(\/\S*)(?: (\S+))?$/,          '_open'],
    [qr/^if gone open (\/\S*)$/,                         '_open_again'],
    [qr/^try (?:([A-Z]+) )?(\/\S*)(?: HTTP\/(1\.\d))?$/, '_try'],
    [qr/^half (\/\S*)$/,                                 '_half'],
    [qr/^> (.*)$/s,                                      '_say'],
    [qr/^frame ((?:\w+=\w+ ?)*)(.*)$/s,                  '_frame'],
    [qr/^raw ([0-9a-fA-F ]+)$/,                          '_raw'],
    [qr/^bytes (.*)$/s,                                  '_bytes'],
    [qr/^ping ?(.*)$/s,                                  '_ping'],
    [qr/^close(?: (\d+) ?(.*))?$/s,                      '_close'],
    [qr/^gone$/,                                         '_gone'],
    [qr/^pour (\d+) (.*)$/s,                             '_pour'],
    [qr/^overflowed (\d+)(?: (.*))?$/s,                  '_overflowed'],
    [qr/^pieces (\d+)$/,                                 '_pieces'],
    [qr/^(deaf|listens|mute)$/,                          '_manner'],
    [qr/^< (.*)$/s,                                      '_hear'],
    [qr/^<= (.*)$/s,                                     '_hear_exactly'],
    [qr/^(message|binary) ?(.*)$/s,                      '_message'],
    [qr/^pong ?(.*)$/s,                                  '_pong'],
    [qr/^pinged$/,                                       '_pinged'],
    [qr/^closed (\d+(?:\|\d+)*)(?: (.*))?$/s,           '_closed'],
    [qr/^eof$/,                                          '_eof'],
    [qr/^silent$/,                                       '_silent'],
    [qr/^([A-Z]+) (\/\S*)(?: (.*))?$/s,                  '_request'],
    [qr/^(\d{3}(?:\|\d{3})*)(?: (.*))?$/s,               '_response'],
    [qr/^until (\d{3}) (.*)$/s,                          '_until'],
);

my @OF_NGINX = (
    [qr/^kill (\w+) (\w+)$/,                             '_kill'],
    [qr/^left (\w+)$/,                                   '_worker_left'],
    [qr/^reload$/,                                       '_reload'],
    [qr/^pids >= (\d+) of ([\w., ]+)$/,                  '_pids'],
    [qr/^file (\S+) ~(.*)$/,                             '_file'],
    [qr/^log ~(.*)$/,                                    '_log'],
    [qr/^wait ([\d.]+)$/,                                '_wait'],
);


sub _act
{
    my ($self, $me, $action, @details) = @_;

    for my $a ($me eq 'nginx' ? @OF_NGINX : @ACTIONS) {
        my @arg = $action =~ $a->[0] or next;
        my $method = $a->[1];

        # a match without groups answers (1)
        @arg = () if !defined $1 && @arg == 1 && $arg[0] eq '1';

        $self->{details} = \@details;
        return $me eq 'nginx' ? $self->$method(@arg)
                              : $self->$method($self->_client($me), @arg);
    }

    die "no such action: $action\n";
}


sub _client
{
    my ($self, $name) = @_;

    return $self->{clients}{$name} //= RT::Client->new(
        name => $name, port => $self->{port}, tls_port => $self->{tls_port},
        tls => $self->{tls},
        transcript => sub {
            my ($line) = @_;
            $line = substr($line, 0, $WIDTH) . ' ...' if length $line > $WIDTH;
            push @{$self->{transcript}}, $line;
        },
        clients => sub { [values %{$self->{clients}}] });
}


# ---- connecting

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
           close_sent => 0, key => RT::Client::key(), ws => 0,
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
        $bytes .= RT::Client::frame(join "\n", @text);
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
    my ($self, $c, $times, $text) = @_;

    $c->note("> $text ($times times)");
    $c->{out} .= RT::Client::frame($text) for 1 .. $times;

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


sub _manner
{
    my ($self, $c, $how) = @_;

    $how eq 'mute' ? $c->{mute} = 1 : ($c->{deaf} = $how eq 'deaf');

    # so that the kernel alone does not swallow all
    if ($how eq 'deaf' && $c->{sock}) {
        setsockopt $c->{sock}, Socket::SOL_SOCKET(), Socket::SO_RCVBUF(),
                   4096;
    }

    $c->note("($how)");

    return;
}


# ---- hearing

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
           or (defined $reason && !_matches($reason, $close->{reason}));

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
sub _matches
{
    my ($want, $got) = @_;

    return $got ne '' if $want eq '*';
    return $got =~ /$1/ if $want =~ m{^/(.*)/$}s;
    return $got eq $want;
}


sub _end
{
    my ($self, $c) = @_;

    $c->wait_for(sub { $c->{eof} })
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


# ---- HTTP

sub _request
{
    my ($self, $c, $method, $path, $body) = @_;

    $body //= '';
    my $port = $c->{tls} ? $c->{tls_port} : $c->{port};

    my @headers = (['Host', "127.0.0.1:$port"],
                   ['X-Tenant', $self->{tenant}]);

    if (length $body || $method eq 'POST') {
        push @headers, ['Content-Type', 'application/json'],
                       ['Content-Length', length $body];
    }

    my ($headers) = $self->_details($c, @headers);

    $c->drop if $c->{ws} || ($c->{response} && $c->closing);
    $c->{response} = undef;
    @$c{qw(ws handshake last)} = (0, undef,
                                  [$method, $path, '1.1', $headers, $body]);
    $c->http(@{$c->{last}});

    return;
}


sub _response
{
    my ($self, $c, $status, $want) = @_;

    my $res = $c->response;

    die "$c->{name}: expected $status, got $res->{status} $res->{body}\n"
        if !grep { $_ == $res->{status} } split /\|/, $status;

    $self->_judge_headers($c, $res->{headers});
    $self->_judge_body($c, $res->{body}, $want) if defined $want;

    $c->upgraded if $status eq 101;
    $c->drop if $status ne 101 && $c->{handshake};

    return;
}


sub _judge_headers
{
    my ($self, $c, $h) = @_;

    for (@{$self->{details}}) {
        /^(-?)([\w-]+):\s*(.*)$/ or die "not a header: $_\n";
        my ($how, $name, $want) = ($1, $2, $3);
        my @got = @{$h->{lc $name} // []};

        if ($how eq '-') {
            die "$c->{name}: header $name: @got\n" if @got;
            next;
        }

        die "$c->{name}: expected header $name: $want, got "
            . (@got ? "@got" : 'none') . "\n"
            if @got != 1 || !_matches($want, $got[0]);
    }

    return;
}


sub _judge_body
{
    my ($self, $c, $body, $want) = @_;

    if ($want =~ /^~(.*)$/s) {
        die "$c->{name}: the body does not match /$1/: $body\n"
            if $body !~ /$1/m;
        return;
    }

    my $why = $self->_compare($want, $body);

    die "$c->{name}: expected $want\n  got $body\n  $why\n" if defined $why;

    return;
}


sub _until
{
    my ($self, $c, $status, $want) = @_;

    my $end = time + $RT::Client::TIMEOUT;

    while (1) {
        my $ok = eval { $self->_response($c, $status, $want); 1 };
        return if $ok;
        die $@ if time > $end;

        sleep 0.05;
        $c->drop if $c->{response} && $c->closing;
        $c->http(@{$c->{last}});
    }
}


# ---- nginx

sub _master
{
    my ($self) = @_;

    open my $f, '<', $self->{pid_file} or die "no pid file: $!\n";
    my $pid = <$f>;
    chomp $pid;

    return $pid;
}


sub _workers
{
    my ($self) = @_;

    my $master = $self->_master;

    return map { /^\s*(\d+)\s+[^Z]/ ? $1 : () }
           `ps -o pid=,stat= --ppid $master`;
}


sub _pid_of
{
    my ($self, $name) = @_;

    return $self->{clients}{$name}{pid}
           // die "$name has no worker: add_header X-Pid \$pid always\n";
}


sub _kill
{
    my ($self, $signal, $name) = @_;

    my $pid = $self->_pid_of($name);

    push @{$self->{transcript}}, "nginx: kill $signal $pid, of $name";
    $self->{killed} = 1;
    kill $signal, $pid or die "cannot kill $pid: $!\n";

    return;
}


sub _soon
{
    my ($self, $what, $ready) = @_;

    my $end = time + $RT::Client::TIMEOUT;

    while (!$ready->()) {
        die "$what\n" if time > $end;
        RT::Client::pump(0.02, values %{$self->{clients}});
    }

    return;
}


sub _worker_left
{
    my ($self, $name) = @_;

    my $pid = $self->_pid_of($name);

    $self->_soon("worker $pid is still there",
                 sub { !grep { $_ == $pid } $self->_workers });
    return;
}


sub _reload
{
    my ($self) = @_;

    my %old = map { $_ => 1 } $self->_workers;

    push @{$self->{transcript}}, 'nginx: reload';
    kill 'HUP', $self->_master or die "cannot reload: $!\n";

    $self->_soon('no new workers',
                 sub { grep { !$old{$_} } $self->_workers });
    return;
}


sub _pids
{
    my ($self, $n, $who) = @_;

    my %pids = map { $self->_pid_of($_) => 1 } _names($who);

    push @{$self->{transcript}}, 'nginx: pids ' . join ' ', sort keys %pids;
    die "they sit on " . keys(%pids) . " workers\n" if keys %pids < $n;

    return;
}


sub _slurp
{
    my ($path, $from) = @_;

    open my $f, '<', $path or return '';
    seek $f, $from // 0, 0;
    local $/;

    return <$f> // '';
}


sub _file
{
    my ($self, $path, $re) = @_;

    $path = "$self->{root}/$path";
    $self->_soon("$path does not match /$re/: " . _slurp($path),
                 sub { _slurp($path) =~ /$re/m });
    return;
}


sub _log
{
    my ($self, $re) = @_;

    my $path = "$self->{root}/logs/error.log";

    $self->_soon("the error log does not match /$re/",
                 sub { _slurp($path, $self->{log_pos}) =~ /$re/m });
    return;
}


sub _wait
{
    my ($self, $seconds) = @_;

    my $end = time + $seconds;

    while ((my $left = $end - time) > 0) {
        RT::Client::pump($left, values %{$self->{clients}});
    }

    return;
}


package RT::Conversation::Fill;

# the names that {{...}} may use

our ($conversation, $i, $n, $me, $tenant, $origin, $port);

sub kept
{
    my ($name) = @_;

    return $conversation->{kept}{$name} // die "nothing kept as $name\n";
}

sub value
{
    (local $conversation, my $code, local $me, local $i, local $n) = @_;

    my $tls = $conversation->{tls};

    local $tenant = $conversation->{tenant};
    local $port = $conversation->{$tls ? 'tls_port' : 'port'};
    local $origin = ($tls ? 'https' : 'http') . "://127.0.0.1:$port";

    no strict;
    my $v = eval $code;
    die "{{$code}}: $@" if $@;

    return $v;
}


1;
