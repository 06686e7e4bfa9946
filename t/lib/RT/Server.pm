package RT::Server;

# The actions of a conversation that are about nginx itself: its workers,
# signals and files; the list of them is in RT::Conversation, which inherits
# these methods.

use strict;
use warnings;

use Time::HiRes qw(time);

use RT::Client;


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

    my %pids = map { $self->_pid_of($_) => 1 } RT::Conversation::names($who);

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


1;
