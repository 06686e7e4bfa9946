package Bench::Noise;

# Clients of tenant "noisy", which publish as fast as they are answered: eight
# with eight commands in flight each, in a process of its own.  What they are
# answered, errors too, is no matter.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use POSIX ();

my $CLIENTS = 8;
my $DEPTH = 8;


# returns its pid; the noise ends with stop() or with its server
sub start {
    my ($port) = @_;
    my $pid = fork() // die "fork: $!\n";

    return $pid if $pid;

    $SIG{TERM} = 'DEFAULT';
    eval { noise($port) };
    POSIX::_exit(0);
}


sub stop {
    my ($pid) = @_;

    kill('TERM', $pid);
    waitpid($pid, 0);
}


sub noise {
    my ($port) = @_;
    my %owed;
    my $select = IO::Select->new;

    for (1 .. $CLIENTS) {
        my $s = client($port);
        $select->add($s);
        $owed{$s} = 0;
    }

    my $one = frame('{"id":9,"publish":{"channel":"bench:noise","data":1}}');

    for my $s ($select->handles) {
        syswrite($s, $one x $DEPTH);
    }

    while (my @ready = $select->can_read) {
        for my $s (@ready) {
            sysread($s, my $said, 65536) or return;
            my $n = () = $said =~ /"id":9,/g;
            syswrite($s, $one x $n) if $n;
        }
    }
}


sub client {
    my ($port) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port)
        or die "connect: $!\n";
    my $said = '';

    syswrite($s, join("\r\n", 'GET /connection/websocket HTTP/1.1',
                      'Host: 127.0.0.1', 'Upgrade: websocket',
                      'Connection: Upgrade', 'X-Tenant: noisy',
                      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
                      'Sec-WebSocket-Version: 13', '', '')
             . frame('{"id":1,"connect":{}}'));

    while ($said !~ /"id":1,/) {
        sysread($s, $said, 65536, length $said) or die "no client\n";
    }

    return $s;
}


# of a text below 126 bytes, masked with nothing
sub frame {
    my ($text) = @_;

    return pack('CC', 0x81, 0x80 | length $text) . "\0\0\0\0" . $text;
}

1;
