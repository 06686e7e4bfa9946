package Bench::Report;

# The tables of t/bench/run, in Markdown.  A server's runs of a work are a
# list of figures by name, one for each round.

use strict;
use warnings;

# of each kind of work: whom it is compared with, the figure that is compared
# and shown while it runs, columns as [head, function of runs and base]
my %KINDS = (
    deliver => {
        base => 'bare',
        figure => 'per_cpu',
        unit => 'per CPU second',
        columns => [
            ['deliveries per CPU second', \&per_cpu],
            ['ratio to bare', sub { decimals(ratio(@_, 'per_cpu')) }],
            ['busy: server / generator', \&busy],
            ['latency, ms: p50 / p99', \&latency],
            ['lost / duplicated / reordered / corrupt', \&faults],
        ],
    },
    latency => {
        base => 'nchan',
        figure => 'p99_us',
        unit => 'us at the 99th percentile',
        columns => [
            ['latency, ms: p50 / p99', \&latency],
            ['ratio to Nchan: p50 / p99', sub {
                join(' / ', map { decimals(ratio(@_[0, 1], $_)) }
                            qw(p50_us p99_us))
            }],
            ['busy: server / generator', \&busy],
            ['generator late, ms', sub {
                sprintf('%.1f', field($_[0], 'late_us') / 1000)
            }],
            ['lost / duplicated / reordered / corrupt', \&faults],
        ],
    },
    handshake => {
        base => 'http',
        figure => 'per_cpu',
        unit => 'per CPU second',
        columns => [
            ['handshakes per CPU second', \&per_cpu],
            ['ratio to `return 204`', sub { decimals(ratio(@_, 'per_cpu')) }],
            ['busy: server / generator', \&busy],
            ['lost', sub { sum($_[0], 'lost') }],
        ],
    },
    idle => {
        base => 'nchan',
        figure => 'private',
        unit => 'bytes a connection',
        columns => [
            ['connections', sub { thousands(field($_[0], 'connections')) }],
            ['private bytes a connection', sub {
                thousands(field($_[0], 'private'))
            }],
            ['ratio to Nchan', sub { decimals(ratio(@_, 'private')) }],
            ['zone bytes a session', sub {
                my $zone = field($_[0], 'zone');
                $zone > 0 ? thousands($zone) : '';
            }],
        ],
    },
    reload => {
        base => '',
        figure => 'last_ms',
        unit => 'ms until the last was back',
        columns => [
            ['came back', sub { thousands(field($_[0], 'connections')) }],
            ['the last after, ms', sub {
                thousands(field($_[0], 'last_ms'))
            }],
            ['CPU, ms', sub { thousands(field($_[0], 'cpu_ms')) }],
            ['memory, MB: before / peak', sub {
                join(' / ', map { sprintf('%.1f', field($_[0], $_) / 2**20) }
                            qw(before peak))
            }],
            ['longest silence, ms', sub {
                thousands(field($_[0], 'silence_ms'))
            }],
            ['refused', sub { sum($_[0], 'refused') }],
            ['lost / duplicated / reordered / corrupt', \&faults],
        ],
    },
    durable => {
        base => 'nchandur',
        figure => 'publishes',
        unit => 'publishes a second',
        columns => [
            ['publishes a second', sub {
                thousands(field($_[0], 'publishes'))
            }],
            ['per CPU second of nginx / and of Redis', sub {
                join(' / ', map { thousands(field($_[0], $_)) }
                            qw(publishes_cpu publishes_both))
            }],
            ['ratios to Nchan', sub {
                join(' / ', map { decimals(ratio(@_[0, 1], $_)) || '-' }
                            qw(publishes publishes_cpu publishes_both))
            }],
            ['Redis a publish, us: CPU / in scripts', sub {
                join(' / ', map { sprintf('%.1f', field($_[0], $_)) }
                            qw(redis_us script_us))
            }],
            ['calls of Redis a publish: sent / run', sub {
                join(' / ', map { decimals(field($_[0], $_)) }
                            qw(scripts commands))
            }],
            ['latency, ms: p50 / p99', \&latency],
            ['busy: server / generator', \&busy],
            ['lost / duplicated / reordered / corrupt', \&faults],
        ],
    },
    nodes => {
        base => 'redis',
        figure => 'p50_us',
        unit => 'us, half of them',
        columns => [
            ['latency, us: p50 / p99', sub {
                join(' / ', map { thousands(field($_[0], $_)) }
                            qw(p50_us p99_us))
            }],
            ['ratio to `PUBLISH`: p50 / p99', sub {
                join(' / ', map { decimals(ratio(@_[0, 1], $_)) }
                            qw(p50_us p99_us))
            }],
            ['generator late, us', sub {
                thousands(field($_[0], 'late_us'))
            }],
            ['lost / duplicated / reordered / corrupt', \&faults],
        ],
    },
    rules => {
        base => 'norules',
        figure => 'publish_us',
        unit => 'us of CPU a publish',
        columns => [
            ['CPU a publish, us', sub {
                sprintf('%.2f', field($_[0], 'publish_us'))
            }],
            ['ratio to no rules', sub {
                sprintf('%.3f', ratio(@_, 'publish_us'))
            }],
            ['busy: server / generator', \&busy],
            ['lost / duplicated / reordered / corrupt', \&faults],
        ],
    },
    verdict => {
        base => '',
        figure => 'verdict_ns',
        unit => 'ns of CPU',
        columns => [
            ['ns', sub { thousands(field($_[0], 'verdict_ns')) }],
            ['share of a publish without rules, %', sub {
                decimals(field($_[0], 'share'))
            }],
        ],
    },
    states => {
        base => 'norules',
        figure => 'private',
        unit => 'bytes a tenant',
        columns => [
            ['tenants', sub { thousands(field($_[0], 'connections')) }],
            ['private bytes a tenant', sub {
                thousands(field($_[0], 'private'))
            }],
            ['of them for its rules', sub {
                thousands(difference(@_, 'private'))
            }],
        ],
    },
    noisy => {
        base => 'norules',
        figure => 'p99_us',
        unit => 'us at the 99th percentile',
        columns => [
            ['latency of the neighbour, us: p50 / p99', sub {
                join(' / ', map { thousands(field($_[0], $_)) }
                            qw(p50_us p99_us))
            }],
            ['ratio to no rules: p50 / p99', sub {
                join(' / ', map { decimals(ratio(@_[0, 1], $_)) }
                            qw(p50_us p99_us))
            }],
            ['busy: server / generator', \&busy],
            ['generator late, us', sub {
                thousands(field($_[0], 'late_us'))
            }],
            ['lost / duplicated / reordered / corrupt', \&faults],
        ],
    },
    recover => {
        base => '',
        figure => 'last_ms',
        unit => 'ms until the last was back',
        columns => [
            ['came back', sub { thousands(field($_[0], 'connections')) }],
            ['the last after, ms', sub {
                thousands(field($_[0], 'last_ms'))
            }],
            ['CPU, ms: nginx / Redis', sub {
                join(' / ', map { thousands(field($_[0], $_)) }
                            qw(cpu_ms redis_ms))
            }],
            ['commands of Redis a client', sub {
                sprintf('%.3f', field($_[0], 'commands'))
            }],
            ['lost / duplicated / reordered / corrupt', \&faults],
        ],
    },
);

my %FIGURES = (
    per_cpu => 'per CPU second',
    p50_us => 'p50',
    p99_us => 'p99',
    private => 'private bytes a connection',
    zone => 'zone bytes a session',
    publishes => 'publishes a second',
    publishes_cpu => 'publishes per CPU second of nginx',
    publishes_both => 'publishes per CPU second of nginx and Redis',
    redis_us => 'CPU of Redis a publish',
    publish_us => 'CPU a publish',
    share => 'share of a publish, %',
);


sub median {
    my @sorted = sort { $a <=> $b } grep { defined } @_;

    return unless @sorted;
    return $sorted[$#sorted / 2];
}


# the median of the ratios of two servers in the same rounds
sub ratio {
    my ($runs, $base, $figure) = @_;

    return median(map {
        $base->[$_] && $base->[$_]{$figure} > 0
            ? $runs->[$_]{$figure} / $base->[$_]{$figure} : undef
    } 0 .. $#$runs);
}


sub difference {
    my ($runs, $base, $figure) = @_;

    return median(map { $runs->[$_]{$figure} - $base->[$_]{$figure} }
                      0 .. $#$runs);
}


sub field {
    my ($runs, $name) = @_;

    return median(map { $_->{$name} } @$runs);
}


sub sum {
    my ($runs, $name) = @_;
    my $sum = 0;

    $sum += $_->{$name} for @$runs;

    return $sum;
}


sub thousands {
    my ($n) = @_;

    $n = sprintf('%.0f', $n);
    1 while $n =~ s/^(-?\d+)(\d{3})/$1,$2/;

    return $n;
}


sub decimals {
    my ($n) = @_;

    return defined $n ? sprintf('%.2f', $n) : '';
}


sub per_cpu {
    my ($runs) = @_;

    return thousands(field($runs, 'per_cpu'));
}


sub busy {
    my ($runs) = @_;

    return sprintf('%.2f / %.2f', map { field($runs, $_) }
                                  qw(server_busy load_busy));
}


sub latency {
    my ($runs) = @_;

    return sprintf('%.1f / %.1f', map { field($runs, $_) / 1000 }
                                  qw(p50_us p99_us));
}


sub faults {
    my ($runs) = @_;

    return join(' / ', map { sum($runs, $_) }
                       qw(lost duplicated reordered corrupt));
}


sub progress {
    my ($round, $work, $server, $figures) = @_;
    my $kind = $KINDS{$work->{kind}};

    printf STDERR "round %d  %-10s %-7s %12s %s\n", $round, $work->{name},
        $server->{name}, thousands($figures->{$kind->{figure}}),
        $kind->{unit};
}


sub row {
    print '| ', join(' | ', @_), " |\n";
}


# results by the names of work and server; a table for each kind of work
sub works {
    my ($works, $servers, $results) = @_;

    for my $name (qw(deliver latency handshake idle reload durable nodes
                      recover rules verdict states noisy)) {
        my @works = grep { $_->{kind} eq $name && $results->{$_->{name}} }
            @$works;
        next unless @works;

        my $kind = $KINDS{$name};
        my @columns = @{$kind->{columns}};

        print "\n";
        row('work', 'server', map { $_->[0] } @columns);
        print '|---|---|', '---:|' x @columns, "\n";

        for my $work (@works) {
            my $of = $results->{$work->{name}};

            for my $server (grep { $of->{$_->{name}} } @$servers) {
                row($work->{title}, $server->{title},
                    map { $_->[1]->($of->{$server->{name}},
                                    $of->{$kind->{base}} // []) } @columns);
            }
        }
    }
}


# targets as [work, server, compared with or '', figure, >= or <=, bound]
sub targets {
    my ($targets, $works, $servers, $results) = @_;
    my %title = map { $_->{name} => $_->{title} } @$works, @$servers;

    print "\n| work | server | compared with | figure | target | measured",
        " | met |\n|---|---|---|---|---:|---:|---|\n";

    for my $target (@$targets) {
        my ($work, $server, $base, $figure, $sign, $bound) = @$target;
        my $runs = $results->{$work}{$server} or next;
        my $got = $base eq '' ? field($runs, $figure)
                              : ratio($runs, $results->{$work}{$base}, $figure);

        next unless defined $got;

        my $met = $sign eq '>=' ? $got >= $bound : $got <= $bound;

        row($title{$work}, $title{$server}, $title{$base} // '',
            $FIGURES{$figure}, "$sign $bound",
            $base eq '' ? thousands($got) : decimals($got),
            $met ? 'yes' : 'no');
    }
}

1;
