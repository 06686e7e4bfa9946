package Bench::Server;

# A server of t/bench: bare, Redis, or an nginx with one of t/bench's
# configurations, in a folder of its own.  Those that run are stopped at the end
# of the process, too.

use strict;
use warnings;

use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

use Bench::Build;

my @running;

# what the configurations say where there is a Redis, and where there is none
my %WITH_REDIS = (
    RT_REDIS => 'rt_redis redis://127.0.0.1:REDIS_PORT; '
                . 'rt_namespace durable publish=any history=1000 ttl=10m '
                . 'durable;',
    NCHAN_REDIS => 'upstream redis { nchan_redis_server '
                   . 'redis://127.0.0.1:REDIS_PORT; }',
    NCHAN_PASS => 'nchan_redis_pass redis;',
    NCHAN_STORE => 'nchan_message_buffer_length 1000; '
                   . 'nchan_message_timeout 10m;',
);
my %WITHOUT_REDIS = (
    RT_REDIS => '',
    NCHAN_REDIS => '',
    NCHAN_PASS => '',
    NCHAN_STORE => 'nchan_store_messages off;',
);


# the argument of a kind: frames a send of bare, how Redis writes to its disk,
# workers of the others; settings: redis, the port of one, if it is needed
sub start {
    my ($class, $kind, $argument, $settings) = @_;
    my $prefix = tempdir('rt_bench_XXXXXX', TMPDIR => 1);
    my $self = bless {
        prefix => $prefix,
        port => free_port(),
        tls_port => free_port(),
        cores => $argument =~ /^\d+$/ && $kind ne 'bare' ? $argument : 1,
        core => $kind eq 'redis' ? 1 : $settings->{core} // 0,
    }, $class;
    my @command;

    chmod 0755, $prefix;

    if ($kind eq 'bare') {
        @command = (Bench::Build::path('bare'), $self->{port}, $argument);

    } elsif ($kind eq 'redis') {
        @command = redis($self, $argument);

    } else {
        $self->configure($kind, $settings);
        @command = ($settings->{nginx}, '-p', $prefix,
                    '-c', "$prefix/nginx.conf", '-e', "$prefix/error.log");
    }

    unshift @command, 'taskset', '-c', $self->{core} if $self->{cores} == 1;

    $self->{pid} = fork() // die "fork: $!\n";

    if ($self->{pid} == 0) {
        exec @command
            or POSIX::_exit(127);
    }

    push @running, $self;
    $self->wait_for_port;

    return $self;
}


# a Redis that keeps its append-only file as said: no, everysec, always
sub redis {
    my ($self, $fsync) = @_;

    return ('redis-server', '--port', $self->{port}, '--bind', '127.0.0.1',
            '--dir', $self->{prefix}, '--save', '', '--daemonize', 'no',
            '--logfile', "$self->{prefix}/error.log",
            '--maxmemory-policy', 'noeviction',
            '--appendonly', $fsync eq 'no' ? 'no' : 'yes',
            '--appendfsync', $fsync);
}


sub free_port {
    my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
        or die "no free port: $!\n";
    return $s->sockport;
}


sub configure {
    my ($self, $kind, $settings) = @_;
    my $workers = $self->{cores};
    my %words = (
        PORT => $self->{port},
        TLS_PORT => $self->{tls_port},
        CERTIFICATE => Bench::Build::path('certificate.pem'),
        PREFIX => $self->{prefix},
        WORKERS => $workers,
        AFFINITY => $workers > 1 ? '01 10' : $self->{core} ? '10' : '01',
        LISTEN => $workers == 1 ? '' : 'reuseport',
        NCHAN_MODULE => $settings->{nchan},
        RT_MODULE => $settings->{rt},
        DRAIN => $settings->{drain},
        $self->rules($settings),
        $settings->{redis} ? %WITH_REDIS : %WITHOUT_REDIS,
        REDIS_PORT => $settings->{redis} // 0,
    );
    my $word = join('|', sort keys %words);
    my $path = "$Bench::Build::HERE/$kind.conf";

    open(my $in, '<', $path) or die "$path: $!\n";
    my $text = do { local $/; <$in> };
    close($in);

    $text =~ s/^#.*\n//mg;
    $text =~ s/\b($word)\b/$words{$1}/g for 1, 2;   # words in words

    open(my $out, '>', "$self->{prefix}/nginx.conf") or die "nginx.conf: $!\n";
    print $out $text;
    close($out);
}


# the words for a server with rules, whose folder is made: one of t/bench/rules
# for everyone, or as many copies for tenants' own, or for tenant "noisy"
sub rules {
    my ($self, $settings) = @_;
    my $rules = $settings->{rules};
    my $folder = "$self->{prefix}/rules";

    return (TENANT => 'default', RT_RULES => '') unless defined $rules;
    return (TENANT => '$http_x_tenant', RT_RULES => '') if $rules eq 'none';

    my ($name, $tenants, $parameters) = split(/:/, $rules);
    my @files = !defined $tenants ? 'default'
              : $tenants =~ /^\d+$/ ? map { "tenants/t$_" } 0 .. $tenants - 1
              : "tenants/$tenants";

    make_path("$folder/tenants");
    copy("$Bench::Build::HERE/rules/$name.lua", "$folder/$_.lua")
        or die "$_.lua: $!\n" for @files;

    return (TENANT => '$http_x_tenant',
            RT_RULES => "rt_rules $folder " . ($parameters // '') . ';'
                        . ' rt_flag beta 50%;');
}


sub wait_for_port {
    my ($self) = @_;
    my $end = time() + 10;

    while (time() < $end) {
        my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                      PeerPort => $self->{port});

        if ($s) {
            close($s);
            sleep(0.3);
            return;
        }

        if (waitpid($self->{pid}, WNOHANG) != 0) {
            my $log = "$self->{prefix}/error.log";

            @running = grep { $_ != $self } @running;
            system('cat', $log) if -e $log;
            die "the server did not start\n";
        }

        sleep(0.05);
    }

    die "the server does not listen\n";
}


# keeps the error log's alerts from being overlooked
sub stop {
    my ($self) = @_;

    return unless grep { $_ == $self } @running;

    kill('TERM', $self->{pid});
    waitpid($self->{pid}, 0);
    @running = grep { $_ != $self } @running;

    if (open(my $log, '<', "$self->{prefix}/error.log")) {
        print STDERR grep { /\[(?:alert|crit|emerg)\]/ } <$log>;
    }

    remove_tree($self->{prefix});
}


sub workers {
    my ($self) = @_;

    return split(' ', read_line(
        "/proc/$self->{pid}/task/$self->{pid}/children"));
}


# the process that was started and its children
sub pids {
    my ($self) = @_;

    return ($self->{pid}, $self->workers);
}


# ksoftirqd of the cores that the server has
sub softirqs {
    my ($self) = @_;
    my @pids;

    for my $comm (glob('/proc/[0-9]*/comm')) {
        next unless read_line($comm) =~ m{^ksoftirqd/(\d+)$}
                    && $1 < $self->{cores};
        $comm =~ m{/proc/(\d+)/};
        push @pids, $1;
    }

    return @pids;
}


sub read_line {
    my ($path) = @_;

    open(my $f, '<', $path) or return '';
    my $line = <$f> // '';
    chomp $line;

    return $line;
}


END {
    my $status = $?;

    my @all = reverse @running;     # stop() takes them out of the list

    $_->stop for @all;
    $? = $status;
}

1;
