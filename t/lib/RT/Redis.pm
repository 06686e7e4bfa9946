package RT::Redis;

# A redis-server for one test file, on a unix socket in a folder of its own, and
# the actions of a conversation that are about it; the list of them is in
# RT::Conversation, which inherits these methods.

use strict;
use warnings;

use File::Path qw(remove_tree);
use File::Temp ();
use IO::Socket::UNIX;
use POSIX ();
use Text::ParseWords qw(shellwords);
use Time::HiRes qw(sleep time);

use RT::Client;

my ($folder, $pid, $socket, $owner);


# Starts it; its folder, whose file "sock" is the socket.  Not below the server
# root: that is wiped for each nginx, and a socket's path has to be short.
sub prepare
{
    $owner = $$;
    $folder = File::Temp::tempdir('rt-redis-XXXXXX', TMPDIR => 1);

    open my $f, '>', "$folder/redis.conf" or die "$folder: $!\n";
    print {$f} <<"_EOC_";
port                  0
unixsocket            $folder/sock
unixsocketperm        777
dir                   $folder
logfile               $folder/redis.log
daemonize             no
save                  ""
appendonly            yes
appendfsync           always
_EOC_
    close $f;
    chmod 0755, $folder;

    _start();

    return "$folder/sock";
}


sub _start
{
    $pid = fork // die "fork: $!\n";

    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', "$folder/redis.out";
        open STDERR, '>&', \*STDOUT;
        exec 'redis-server', "$folder/redis.conf" or POSIX::_exit(1);
    }

    my $end = time + $RT::Client::TIMEOUT;

    while ((eval { _ask('PING') } // '') ne 'PONG') {
        die "redis-server does not start, see $folder\n"
            if time > $end || waitpid($pid, POSIX::WNOHANG()) > 0;
        sleep 0.02;
    }

    return;
}


sub _end
{
    undef $socket;

    kill 'KILL', $pid;
    waitpid $pid, 0;

    return;
}


END {
    if ($pid && $$ == $owner) {
        my $status = $?;

        _end();
        remove_tree($folder);
        $? = $status;
    }
}


# one command; an error is answered as "(error) ..."
sub _ask
{
    my (@words) = @_;

    $socket //= IO::Socket::UNIX->new(Peer => "$folder/sock")
        // die "Redis is away: $!\n";

    my $text = join '', '*' . @words . "\r\n",
                        map { '$' . length . "\r\n$_\r\n" } @words;

    my $said = eval {
        local $SIG{PIPE} = 'IGNORE';
        local $SIG{ALRM} = sub { die "Redis does not answer\n" };

        alarm $RT::Client::TIMEOUT;
        print {$socket} $text;
        $socket->flush;

        my $all = _answer();
        alarm 0;
        $all;
    };

    if (!defined $said) {
        alarm 0;
        undef $socket;
        die $@;
    }

    return $said;
}


# as redis-cli has it when it writes into a file: elements on lines of their own
sub _answer
{
    defined(my $line = readline $socket) or die "Redis is gone\n";
    $line =~ s/\r\n\z//;

    my ($type, $rest) = $line =~ /^(.)(.*)$/s;

    return $type eq '-' ? "(error) $rest" : $rest if $type =~ /[-+:]/;
    return '(nil)' if $rest < 0;
    return join "\n", map { _answer() } 1 .. $rest if $type eq '*';

    read $socket, my $text, $rest + 2;

    return substr $text, 0, $rest;
}


# ---- actions

sub _redis_asks
{
    my ($self, $command) = @_;

    my $said = _ask(shellwords($command));
    my @wanted = @{$self->{details}};

    push @{$self->{transcript}}, "redis: $command", split /\n/, $said;

    return if !@wanted;

    die "Redis says:\n$said\n" if $said ne join "\n", @wanted;

    return;
}


sub _redis_until
{
    my ($self, $re, $command) = @_;

    my @words = shellwords($command);

    push @{$self->{transcript}}, "redis: $command";
    $self->_soon("Redis does not say /$re/ to $command",
                 sub { (eval { _ask(@words) } // '') =~ /$re/m });
    return;
}


sub _redis_signal
{
    my ($self, $signal) = @_;

    push @{$self->{transcript}}, "redis: $signal";

    if ($signal eq 'kill') {
        _end();

    } elsif ($signal eq 'start') {
        _start();

    } else {
        kill uc $signal, $pid or die "cannot $signal: $!\n";
    }

    return;
}


1;
