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
# $n (the number in WHO), $me, $tenant, $tag ("{$tenant}", as in Redis' keys),
# $origin (the server's), $port, $spare (another port, for a block to listen to),
# kept("name") for what a "*name" in an expected message caught, and
# jwt(CLAIM => VALUE, ...) for a token, see RT::Token.
#
# Connecting
#   open [ws:|wss:]PATH [PROTOCOL,...]   a handshake that must succeed
#   if gone open PATH                    for those whose connection has ended;
#                                        details "< JSON" are what they hear
#   try [METHOD] PATH [HTTP/1.0]         one that is judged by the next line
#   half PATH                            the first half of one
#   spare ADDRESS       from now on connects to the spare port there
#   proxied ADDRESS     the same, by a proxy that says so (PROXY protocol)
#   101, 403, 400|405, ...               the response's status
#     Name: value   a header to send (or, below a status, to get; * any)
#     +Name: value  one more of that name        -Name:  none of that name
#     > TEXT, raw HEX   first frames, in the same segment as the request
# Saying
#   > TEXT            a text message; details "> ..." are further lines of it
#   frame k=v.. TEXT  a frame (op fin rsv mask len form)
#   raw HEX           bytes;  bytes TEXT: the same, as text
#   ping TEXT, close [CODE [REASON]], gone (drops the connection)
#   pour N TEXT, flood N TEXT   N messages, N pings, as far as the server takes
#                     them
#   pieces N          from now on, N bytes a write;  pieces 0: whole
#   deaf, listens     stops and resumes reading
#   mute              does not answer the protocol's pings
#   patience SECONDS  waits so long for the end of the stream, once both have
#                     sent their close frames
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
#   ask 200 POST PATH [BODY]   both in one, one after the other if repeated
#   until 200 JSON             asks again until the response is this
# nginx itself
#   nginx: kill SIGNAL NAME    the worker that serves NAME
#   nginx: left NAME           wait until that worker is gone
#   nginx: reload              and wait for new workers
#   nginx: pids >= N of WHO    WHO are spread over N workers
#   nginx: file PATH ~regex    PATH in the server root says so, soon
#   nginx: log ~regex          the error log says so, soon
#   nginx: wait SECONDS
# Redis, of a file that is for it
#   redis: COMMAND ARGUMENT...   details: the lines of its answer, if it
#                                matters; an error is "(error) ..."
#   redis: until ~regex~ COMMAND ARGUMENT...   soon; regex: /m
#   redis: kill|start|stop|cont  SIGKILL; again, on the same data (with an AOF);
#                                SIGSTOP; SIGCONT.  It is up at a block's end.

use strict;
use warnings;

use RT::Client;

use parent qw(RT::Say RT::Hear RT::Http RT::Server RT::Redis);

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

    $why = "line $self->{step}{line}: $self->{step}{text}\n$why";
    $why =~ s/^(.{$WIDTH}).+?(.{0,100})$/$1 ... $2/mg;

    return $why . $self->_transcript;
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


sub names
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

    for my $me (names($step->{who})) {
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

    $text =~ s/\{\{((?:'[^']*'|"[^"]*"|(?!\}\}).)+)\}\}/
               RT::Conversation::Fill::value(
                   $self, $1, $me, $i, $n)/gsex;

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
    [qr/^ping(?!ed$) ?(.*)$/s,                           '_ping'],
    [qr/^close(?: (\d+) ?(.*))?$/s,                      '_close'],
    [qr/^gone$/,                                         '_gone'],
    [qr/^(pour|flood) (\d+) (.*)$/s,                     '_pour'],
    [qr/^overflowed (\d+)(?: (.*))?$/s,                  '_overflowed'],
    [qr/^pieces (\d+)$/,                                 '_pieces'],
    [qr/^(deaf|listens|mute)$/,                          '_manner'],
    [qr/^spare (\S+)$/,                                  '_spare'],
    [qr/^proxied (\S+)$/,                                '_proxied'],
    [qr/^patience ([\d.]+)$/,                            '_patience'],
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
    [qr/^ask (\d{3}) ([A-Z]+) (\/\S*)(?: (.*))?$/s,     '_ask'],
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

my @OF_REDIS = (
    [qr/^(kill|start|stop|cont)$/,                       '_redis_signal'],
    [qr/^until ~(.*)~ ([A-Z].*)$/,                       '_redis_until'],
    [qr/^([A-Z].*)$/,                                    '_redis_asks'],
);

my %WHO = (nginx => \@OF_NGINX, redis => \@OF_REDIS);


sub _act
{
    my ($self, $me, $action, @details) = @_;

    for my $a (@{$WHO{$me} // \@ACTIONS}) {
        my @arg = $action =~ $a->[0] or next;
        my $method = $a->[1];

        # a match without groups answers (1)
        @arg = () if !defined $1 && @arg == 1 && $arg[0] eq '1';

        $self->{details} = \@details;
        return $WHO{$me} ? $self->$method(@arg)
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
            $line =~ s/([^\x20-\x7e])/sprintf '\\x%02x', ord $1/ge
                if length $line < 4 * $WIDTH;
            $line = substr($line, 0, $WIDTH) . ' ...' if length $line > $WIDTH;
            push @{$self->{transcript}}, $line;
        },
        clients => sub { [values %{$self->{clients}}] });
}


package RT::Conversation::Fill;

# the names that {{...}} may use

use RT::Token;

our ($conversation, $i, $n, $me, $tenant, $tag, $origin, $port, $spare);

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
    local $tag = "{$tenant}";
    local $port = $conversation->{$tls ? 'tls_port' : 'port'};
    local $spare = $ENV{TEST_NGINX_SPARE_PORT};
    local $origin = ($tls ? 'https' : 'http') . "://127.0.0.1:$port";

    no strict;
    my $v = eval $code;
    die "{{$code}}: $@" if $@;

    return $v;
}


1;
