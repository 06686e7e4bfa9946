package Bench::Build;

# What t/bench makes for itself, in build/bench/: the generator, the bare
# program, a certificate.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);

our $HERE = abs_path(dirname(__FILE__) . '/../..');
our $ROOT = dirname(dirname($HERE));

my $BUILD = "$ROOT/build/bench";
my $RULES = "$ROOT/ngx_rt_module/rules";
my $PURE = "$ROOT/ngx_rt_module/pure";


sub path {
    my ($name) = @_;

    return "$BUILD/$name";
}


sub all {
    make_path($BUILD);

    compile('load', glob("$HERE/load/*.c"), qw(-lssl -lcrypto));
    compile('bare', "$HERE/bare.c");
    compile('verdict', "$HERE/verdict.c", glob("$RULES/rt_*.c"),
            grep({ !/redis/ } glob("$PURE/*.c")), "-I$RULES", "-I$PURE",
            qw(-isystem /usr/include/luajit-2.1 -lluajit-5.1 -lcrypto -lm));
    certificate();
}


sub compile {
    my ($name, @sources) = @_;

    system($ENV{BENCH_CC} || 'cc',
           qw(-std=gnu11 -O2 -Wall -Wextra -Werror -Wshadow),
           '-o', path($name), @sources) == 0
        or die "$name does not compile\n";
}


# key and certificate in one file
sub certificate {
    my $path = path('certificate.pem');

    return if -f $path && -M $path < 300;

    my $before = umask(077);
    my $said = `openssl req -x509 -newkey ec -nodes -days 365 -batch \\
                -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=localhost \\
                -keyout $path.key -out $path.crt 2>&1`;

    die "openssl makes no certificate: $said\n" if $? != 0;

    system("cat $path.key $path.crt > $path") == 0
        or die "$path cannot be written\n";

    umask($before);
}

1;
