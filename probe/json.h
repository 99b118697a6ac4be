/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes JSON to standard output. A key is NULL inside an array. */
#ifndef CLOCKPROBE_JSON_H
#define CLOCKPROBE_JSON_H

#include <stdbool.h>
#include <stdint.h>

void json_open(const char *key, char bracket);
void json_close(char bracket);
void json_null(const char *key);
void json_bool(const char *key, bool value);
void json_number(const char *key, uint64_t value);
void json_integer(const char *key, int64_t value);
void json_milli(const char *key, uint64_t nanoseconds);
/* NULL becomes null; bytes that are no printable ASCII become escapes. */
void json_string(const char *key, const char *text);

#endif
