package RT::Json;

# JSON with holes: what a test expects of a message.
#
#   *            any value;  *name: a number or the like, kept
#   "*"          any string that is not empty
#   "*name"      the same, kept under that name for later lines
#   "TEXT..."    a string that begins with TEXT
#   ...          in an object: and any other members; in an array: any others
#
# Everything else must be there exactly; numbers are compared as they are
# written, so that 0.10 is not 0.1.  Keys may stand in any order.

use strict;
use warnings;


sub parse
{
    my ($text, $holes) = @_;

    my $p = { text => $text, holes => $holes };
    pos($p->{text}) = 0;

    my $v = _value($p);

    $p->{text} =~ /\G\s*/gc;
    _fail($p, 'the end') if pos($p->{text}) != length $p->{text};

    return $v;
}


sub _fail
{
    my ($p, $want) = @_;

    my $at = pos($p->{text}) // 0;
    my $rest = substr $p->{text}, $at, 40;

    die "not JSON: expected $want at byte $at: \"$rest\"\n";
}


sub _value
{
    my ($p) = @_;

    for ($p->{text}) {
        /\G\s*/gc;

        return _object($p) if /\G\{/gc;
        return _array($p) if /\G\[/gc;
        return _string($p) if /\G"/;
        return ['literal', $1] if /\G(true|false|null)\b/gc;
        return ['any', $1] if $p->{holes} && /\G\*(\w*)/gc;
        return ['number', $1]
            if /\G(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)/gc;
    }

    _fail($p, 'a value');
}


sub _object
{
    my ($p) = @_;

    my $o = ['object', {}, 0];

    for ($p->{text}) {
        return $o if /\G\s*\}/gc;

        while (1) {
            /\G\s*/gc;

            if ($p->{holes} && /\G\.\.\./gc) {
                $o->[2] = 1;

            } else {
                my $key = _string($p)->[1];

                /\G\s*:/gc or _fail($p, '":"');
                _fail($p, "no second \"$key\"") if exists $o->[1]{$key};
                $o->[1]{$key} = _value($p);
            }

            return $o if /\G\s*\}/gc;
            /\G\s*,/gc or _fail($p, '"," or "}"');
        }
    }
}


sub _array
{
    my ($p) = @_;

    my $a = ['array', [], 0];

    for ($p->{text}) {
        return $a if /\G\s*\]/gc;

        while (1) {
            /\G\s*/gc;

            if ($p->{holes} && /\G\.\.\./gc) {
                $a->[2] = 1;

            } else {
                push @{$a->[1]}, _value($p);
            }

            return $a if /\G\s*\]/gc;
            /\G\s*,/gc or _fail($p, '"," or "]"');
        }
    }
}


my %ESCAPE = ('"' => '"', '\\' => '\\', '/' => '/', b => "\b", f => "\f",
              n => "\n", r => "\r", t => "\t");

sub _string
{
    my ($p) = @_;

    $p->{text} =~ /\G"((?:[^"\\\x00-\x1f]++|\\.)*+)"/gcs
        or _fail($p, 'a string');

    my $s = $1;

    $s =~ s{\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?|(.))}
           { defined $1 ? _unicode(hex $1, defined $2 ? hex $2 : undef)
                        : $ESCAPE{$3} // _fail($p, 'an escape') }gse;

    return ['string', $s];
}


sub _unicode
{
    my ($hi, $lo) = @_;

    my $c = '';

    if (defined $lo && $hi >= 0xd800 && $hi < 0xdc00) {
        $c = chr(0x10000 + (($hi - 0xd800) << 10) + ($lo - 0xdc00));

    } else {
        no warnings 'surrogate';
        $c = chr $hi;
        $c .= chr $lo if defined $lo;
    }

    utf8::encode($c);

    return $c;
}


# undef: it matches; else where and why not
sub differs
{
    my ($want, $got, $kept, $at) = @_;

    $at //= '';
    my ($type, $w) = @$want;

    if ($type eq 'any') {
        $kept->{$w} = $got->[1] if $w ne '';
        return undef;
    }

    if ($type eq 'string' && $w =~ /^\*(\w*)$/) {
        my $name = $1;

        return "$at: expected a string, got $got->[0]"
            if $got->[0] ne 'string' || $got->[1] eq '';

        $kept->{$name} = $got->[1] if $name ne '';
        return undef;
    }

    return "$at: expected $type, got $got->[0]" if $type ne $got->[0];

    return _object_differs($want, $got, $kept, $at) if $type eq 'object';
    return _array_differs($want, $got, $kept, $at) if $type eq 'array';

    return undef if $type eq 'string' && $w =~ /^(.+)\.\.\.$/s
                    && index($got->[1], $1) == 0;

    return $w eq $got->[1] ? undef
                           : "$at: expected \"$w\", got \"$got->[1]\"";
}


sub _object_differs
{
    my ($want, $got, $kept, $at) = @_;

    for my $key (sort keys %{$want->[1]}) {
        return "$at.$key: is missing" if !exists $got->[1]{$key};

        my $why = differs($want->[1]{$key}, $got->[1]{$key}, $kept,
                          "$at.$key");
        return $why if defined $why;
    }

    return undef if $want->[2];

    for my $key (sort keys %{$got->[1]}) {
        return "$at.$key: was not expected" if !exists $want->[1]{$key};
    }

    return undef;
}


sub _array_differs
{
    my ($want, $got, $kept, $at) = @_;

    my ($w, $g) = ($want->[1], $got->[1]);

    return "$at: expected " . @$w . " items, got " . @$g
        if @$g < @$w || (@$g > @$w && !$want->[2]);

    for my $i (0 .. $#$w) {
        my $why = differs($w->[$i], $g->[$i], $kept, "$at\[$i]");
        return $why if defined $why;
    }

    return undef;
}


1;
