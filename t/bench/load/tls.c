
/*
 * TLS of the load generator's connections, by OpenSSL.  Called by conn.c.  A
 * certificate is not verified: the servers make their own.
 */


#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include "load.h"


static ssize_t load_tls_result(SSL *tls, int n);
static void load_tls_fail(void) __attribute__((noreturn));


SSL *
load_tls_connect(int fd)
{
    SSL             *tls;
    static SSL_CTX  *context;

    if (context == NULL) {
        context = SSL_CTX_new(TLS_client_method());
        if (context == NULL) {
            load_tls_fail();
        }

        SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    }

    tls = SSL_new(context);

    if (tls == NULL || SSL_set_fd(tls, fd) != 1 || SSL_connect(tls) != 1) {
        load_tls_fail();
    }

    return tls;
}


/* reads up to a record, so that epoll tells whether there is more */
ssize_t
load_tls_recv(SSL *tls, uint8_t *p, size_t size)
{
    return load_tls_result(tls, SSL_read(tls, p, (int) size));
}


ssize_t
load_tls_send(SSL *tls, const uint8_t *p, size_t len)
{
    return load_tls_result(tls, SSL_write(tls, p, (int) len));
}


static ssize_t
load_tls_result(SSL *tls, int n)
{
    if (n > 0) {
        return n;
    }

    switch (SSL_get_error(tls, n)) {

    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;

    case SSL_ERROR_ZERO_RETURN:
        return 0;

    default:
        load_tls_fail();
    }
}


static void
load_tls_fail(void)
{
    load_fail("TLS: %s", ERR_reason_error_string(ERR_get_error()));
}
