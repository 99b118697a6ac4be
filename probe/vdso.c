/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds a function in the vDSO that the kernel mapped into this process (vdso(7): AT_SYSINFO_EHDR). */
#define _GNU_SOURCE
#include "vdso.h"

#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

struct image {
    /* Where address 0 of the image would be. Not its start: x86_64 kernels before 3.16 link it to 0xffffffffff700000. */
    const char *bias;
    const ElfW(Sym) *symbols;
    const char *strings;
    const ElfW(Word) *hash;
    const ElfW(Word) *gnu_hash;
};

static int open_image(const char *base, struct image *image)
{
    const ElfW(Ehdr) *header = (const void *)base;
    const ElfW(Phdr) *segment = (const void *)(base + header->e_phoff);
    const ElfW(Dyn) *entry = NULL;

    for (int i = 0; i < header->e_phnum; i++) {
        if (segment[i].p_type == PT_LOAD && !image->bias)
            image->bias = base + segment[i].p_offset - segment[i].p_vaddr;
        else if (segment[i].p_type == PT_DYNAMIC)
            entry = (const void *)(base + segment[i].p_offset);
    }
    if (!image->bias || !entry)
        return 0;
    for (; entry->d_tag != DT_NULL; entry++) {
        const void *at = image->bias + entry->d_un.d_ptr;
        switch (entry->d_tag) {
        case DT_SYMTAB: image->symbols = at; break;
        case DT_STRTAB: image->strings = at; break;
        case DT_HASH: image->hash = at; break;
        case DT_GNU_HASH: image->gnu_hash = at; break;
        }
    }
    return image->symbols && image->strings && (image->hash || image->gnu_hash);
}

/* A dynamic section does not say how many symbols there are: its hash tables do. Newer vDSOs have the GNU one alone. */
static ElfW(Word) count_symbols(const struct image *image)
{
    if (image->hash)
        return image->hash[1];
    const ElfW(Word) *table = image->gnu_hash;
    ElfW(Word) buckets = table[0], first = table[1], bloom_words = table[2], last = 0;
    const ElfW(Word) *bucket = table + 4 + bloom_words * (sizeof(ElfW(Addr)) / sizeof(ElfW(Word)));
    const ElfW(Word) *chain = bucket + buckets;

    for (ElfW(Word) i = 0; i < buckets; i++)
        if (bucket[i] > last)
            last = bucket[i];
    if (last < first)
        return first;
    while (!(chain[last - first] & 1))
        last++;
    return last + 1;
}

void *vdso_function(const char *call)
{
    /* vdso(7): x86 and riscv say __vdso_, arm64, ppc and s390 __kernel_. */
    static const char *const prefixes[] = {"__vdso_", "__kernel_"};
    const char *base = (const char *)getauxval(AT_SYSINFO_EHDR);
    struct image image = {0};

    if (!base || !open_image(base, &image))
        return NULL;
    ElfW(Word) count = count_symbols(&image);
    for (ElfW(Word) i = 0; i < count; i++) {
        const ElfW(Sym) *symbol = &image.symbols[i];
        const char *name = image.strings + symbol->st_name;
        for (unsigned p = 0; p < 2; p++) {
            size_t length = strlen(prefixes[p]);
            if (symbol->st_shndx != SHN_UNDEF && !strncmp(name, prefixes[p], length) && !strcmp(name + length, call))
                return (void *)(image.bias + symbol->st_value);
        }
    }
    return NULL;
}
