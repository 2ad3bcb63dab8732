#ifndef CURL_SHIM_H
#define CURL_SHIM_H

// `curl_easy_setopt` and `curl_easy_getinfo` take a variable argument list, which Swift cannot call. One function for each
// type of argument. What each option takes stands in <https://curl.se/libcurl/c/easy_setopt_options.html>.
#include <curl/curl.h>

CURLcode jaga_curl_set_long(CURL *handle, CURLoption option, long value);
CURLcode jaga_curl_set_text(CURL *handle, CURLoption option, const char *value);
CURLcode jaga_curl_set_pointer(CURL *handle, CURLoption option, const void *value);
CURLcode jaga_curl_set_offset(CURL *handle, CURLoption option, curl_off_t value);
CURLcode jaga_curl_set_list(CURL *handle, CURLoption option, const struct curl_slist *value);

/// The bytes are copied.
CURLcode jaga_curl_set_blob(CURL *handle, CURLoption option, const void *bytes, size_t count);

/// Receives (`WRITEFUNCTION`, `HEADERFUNCTION`) or gives (`READFUNCTION`) `size * count` bytes.
typedef size_t (*jaga_curl_bytes)(char *bytes, size_t size, size_t count, void *context);
CURLcode jaga_curl_set_bytes_function(CURL *handle, CURLoption option, jaga_curl_bytes function);

/// `XFERINFOFUNCTION`: a result other than 0 ends the transfer.
typedef int (*jaga_curl_progress)(
    void *context, curl_off_t download_total, curl_off_t downloaded, curl_off_t upload_total, curl_off_t uploaded);
CURLcode jaga_curl_set_progress_function(CURL *handle, jaga_curl_progress function);

CURLcode jaga_curl_get_long(CURL *handle, CURLINFO info, long *value);
CURLcode jaga_curl_get_offset(CURL *handle, CURLINFO info, curl_off_t *value);
CURLcode jaga_curl_get_text(CURL *handle, CURLINFO info, char **value);
CURLcode jaga_curl_get_certificates(CURL *handle, struct curl_certinfo **value);

#endif
