package RT::Http;

# The actions of a conversation that are requests and responses of HTTP; the
# list of them is in RT::Conversation, which inherits these methods.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use RT::Client;


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


sub _ask
{
    my ($self, $c, $status, @request) = @_;

    $self->_request($c, @request);
    $self->{details} = [];
    $self->_response($c, $status);

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
            if @got != 1 || !RT::Hear::matches($want, $got[0]);
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


1;
