/* ca_pem: reads certificates as libcurl will read them, so that a file is refused before it is used. */
#include "adapters/ca_pem.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

static int count_certificates(STACK_OF(X509_INFO) * infos)
{
    int count = 0;
    for (int i = 0; i < sk_X509_INFO_num(infos); i++)
        count += sk_X509_INFO_value(infos, i)->x509 != NULL;
    return count;
}

int ca_pem_check(const char *content, struct err *err)
{
    size_t len = strlen(content);
    BIO *bio = BIO_new_mem_buf(content, len < INT_MAX ? (int)len : INT_MAX);
    STACK_OF(X509_INFO) *infos = bio ? PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL) : NULL;
    int result = 0;
    if (!infos)
        result = err_set(err, "names a file with a broken certificate in it");
    else if (!count_certificates(infos))
        result = err_set(err, "names a file without a certificate: it must be PEM (-----BEGIN CERTIFICATE-----)");
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    BIO_free(bio);
    ERR_clear_error();
    return result;
}
