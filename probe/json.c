/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>

static bool first = true;

static void quoted(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte > 0x7e || byte == '"' || byte == '\\')
            printf("\\u%04x", byte);
        else
            putchar(byte);
    }
    putchar('"');
}

static void begin(const char *key)
{
    if (!first)
        putchar(',');
    first = false;
    if (key) {
        quoted(key);
        putchar(':');
    }
}

void json_open(const char *key, char bracket)
{
    begin(key);
    putchar(bracket);
    first = true;
}

void json_close(char bracket)
{
    putchar(bracket);
    first = false;
}

void json_null(const char *key)
{
    begin(key);
    fputs("null", stdout);
}

void json_bool(const char *key, bool value)
{
    begin(key);
    fputs(value ? "true" : "false", stdout);
}

/* There are tens of thousands of them: printf would take longer than the least budgets. */
void json_number(const char *key, uint64_t value)
{
    char digits[20];
    char *first_digit = digits + sizeof(digits);

    begin(key);
    do
        *--first_digit = (char)('0' + value % 10);
    while (value /= 10);
    fwrite(first_digit, 1, (size_t)(digits + sizeof(digits) - first_digit), stdout);
}

void json_integer(const char *key, int64_t value)
{
    begin(key);
    printf("%" PRId64, value);
}

void json_milli(const char *key, uint64_t nanoseconds)
{
    begin(key);
    printf("%" PRIu64 ".%03" PRIu64, nanoseconds / 1000000, nanoseconds / 1000 % 1000);
}

void json_string(const char *key, const char *text)
{
    begin(key);
    if (text)
        quoted(text);
    else
        fputs("null", stdout);
}
