package RT::Token;

# Tokens for the tests, and the files of their keys:
#
#   jwt(sub => 'alice', exp => time + 60)
#   jwt(-alg => 'RS256', -kid => 'one', info => \'{"a":1}')
#
# A claim is a number if it looks like one, a reference to a text is JSON as it
# stands there, all else is a string.  Names with a "-" are not claims:
#
#   -alg     HS256 if not said; "none" signs nothing
#   -kid     of the header;  -header  more of it, as JSON, with a comma before
#   -key     the secret, or the file of a private key, if not the usual one
#   -claims  all of the payload, as it stands there
#
# $RT::Token::DIR has them: secret, other (both for HS), rsa.pem, ec256.pem,
# ec384.pem, ec521.pem (public), the same with ".key" (private), jwks.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256 hmac_sha384 hmac_sha512);
use Exporter qw(import);
use File::Temp qw(tempfile);
use MIME::Base64 qw(encode_base64url);

use RT::Json;

our @EXPORT = qw(jwt);
our $DIR;

our $SECRET = 'a secret of the tests, which is as long as any of them needs it to be';
our $OTHER = 'another secret of the tests, which is just as long as the first one is';

my %FILE = (RS256 => 'rsa', RS384 => 'rsa', RS512 => 'rsa',
            ES256 => 'ec256', ES384 => 'ec384', ES512 => 'ec521');


sub _write
{
    my ($name, $text) = @_;

    open my $f, '>', "$DIR/$name.$$" or die "$DIR/$name: $!\n";
    print $f $text;
    close $f;

    rename "$DIR/$name.$$", "$DIR/$name" or die "$DIR/$name: $!\n";

    return;
}


sub _openssl
{
    my ($what) = @_;

    my $said = `openssl $what 2>&1`;

    die "openssl $what: $said\n" if $? != 0;

    return $said;
}


# once for all that run in this folder
sub prepare
{
    ($DIR) = @_;

    return if -f "$DIR/jwks";

    mkdir $DIR;

    _write('secret', "$SECRET\n");
    _write('other', $OTHER);

    for (['rsa', 'RSA -pkeyopt rsa_keygen_bits:2048'],
         map { ["ec$_", 'EC -pkeyopt ec_paramgen_curve:P-' . $_] }
             256, 384, 521)
    {
        my ($name, $how) = @$_;

        _openssl("genpkey -algorithm $how -out $DIR/$name.key.$$");
        _openssl("pkey -in $DIR/$name.key.$$ -pubout -out $DIR/$name.pem.$$");
        rename "$DIR/$name.key.$$", "$DIR/$name.key";
        rename "$DIR/$name.pem.$$", "$DIR/$name.pem";
    }

    _write('jwks', _jwks());

    return;
}


sub _jwks
{
    my ($n) = _openssl("rsa -pubin -in $DIR/rsa.pem -modulus -noout")
              =~ /^Modulus=([0-9A-F]+)/m;
    my $der = `openssl pkey -pubin -in $DIR/ec256.pem -outform DER`;
    my ($x, $y) = map { encode_base64url(substr $der, $_, 32) } -64, -32;

    $n = encode_base64url(pack 'H*', $n);
    my $k = encode_base64url($OTHER);

    return <<"_EOC_";
{"keys":[
  {"kty":"RSA","kid":"r","use":"sig","alg":"RS256","e":"AQAB","n":"$n"},
  {"kty":"EC","kid":"e","crv":"P-256","x":"$x","y":"$y"},
  {"kty":"oct","kid":"o","alg":"HS256","k":"$k"},
  {"kty":"OKP","kid":"p","crv":"Ed25519","x":"AA"},
  {"kty":"RSA","kid":"q","use":"enc","e":"AQAB","n":"$n"}
]}
_EOC_
}


sub _value
{
    my ($v) = @_;

    return $$v if ref $v;
    return $v if $v =~ /^-?\d+(?:\.\d+)?\z/;

    $v =~ s/([\\"])/\\$1/g;
    $v =~ s/([\x00-\x1f])/sprintf '\\u%04x', ord $1/ge;

    return "\"$v\"";
}


# r and s of a signature in DER, each as long as the curve's numbers
sub _raw
{
    my ($der, $len) = @_;

    my @n = $der =~ /^\x30(?:\x81)?./s ? () : die "not a signature\n";
    my $rest = substr $der, ord(substr $der, 1, 1) == 0x81 ? 3 : 2;

    while (length $rest) {
        my ($tag, $n) = unpack 'CC', $rest;
        my $int = substr $rest, 2, $n;

        $int =~ s/^\0+//;
        push @n, ("\0" x ($len - length $int)) . $int;
        $rest = substr $rest, 2 + $n;
    }

    return join '', @n;
}


sub _sign
{
    my ($alg, $text, $key) = @_;

    my ($kind, $bits) = $alg =~ /^(HS|RS|ES)(256|384|512)$/ or return '';

    if ($kind eq 'HS') {
        my $mac = { 256 => \&hmac_sha256, 384 => \&hmac_sha384,
                    512 => \&hmac_sha512 }->{$bits};
        return $mac->($text, $key // $SECRET);
    }

    my ($f, $path) = tempfile(UNLINK => 1);
    print $f $text;
    close $f;

    $key //= "$DIR/$FILE{$alg}.key";

    my $sig = `openssl dgst -sha$bits -sign $key $path`;
    unlink $path;

    return $kind eq 'RS' ? $sig
           : _raw($sig, { 256 => 32, 384 => 48, 512 => 66 }->{$bits});
}


sub jwt
{
    my @arg = @_;

    my (%o, @claims);

    while (my ($name, $value) = splice @arg, 0, 2) {
        if ($name =~ /^-(\w+)$/) {
            $o{$1} = $value;

        } else {
            push @claims, "\"$name\":" . _value($value);
        }
    }

    my $alg = $o{alg} // 'HS256';
    my $header = "{\"typ\":\"JWT\",\"alg\":\"$alg\""
                 . (defined $o{kid} ? ",\"kid\":\"$o{kid}\"" : '')
                 . ($o{header} // '') . '}';
    my $payload = $o{claims} // '{' . join(',', @claims) . '}';
    my $text = encode_base64url($header) . '.' . encode_base64url($payload);

    return $text . '.' . encode_base64url(_sign($alg, $text, $o{key}));
}


1;
