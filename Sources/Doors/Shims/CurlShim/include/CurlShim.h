#ifndef CURL_SHIM_H
#define CURL_SHIM_H

// `curl_easy_setopt` and `curl_easy_getinfo` take a variable argument list, which Swift cannot call. One function for each
// type of argument.
#include <curl/curl.h>

CURLcode jaga_curl_set_long(CURL *handle, CURLoption option, long value);
CURLcode jaga_curl_set_text(CURL *handle, CURLoption option, const char *value);
CURLcode jaga_curl_set_pointer(CURL *handle, CURLoption option, const void *value);

#endif
