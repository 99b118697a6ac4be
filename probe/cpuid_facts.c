/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cpuid_facts.h"

#include "json.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A hypervisor that shows itself as several has a leaf for each (Xen: xen/include/public/arch-x86/cpuid.h). */
#define FIRST_LEAF 0x40000000u
#define LAST_LEAF 0x4000ff00u
#define LEAF_STEP 0x100u
#define MOST_SIGNATURES 16

struct registers {
    uint32_t eax, ebx, ecx, edx;
};

struct signature {
    uint32_t leaf, last;
    char text[13];
};

static struct registers query(uint32_t leaf)
{
    struct registers found;
    __cpuid_count(leaf, 0, found.eax, found.ebx, found.ecx, found.edx);
    return found;
}

static bool bit(uint32_t value, unsigned number)
{
    return value >> number & 1;
}

static bool extended_bit(uint32_t leaf, unsigned number)
{
    return query(0x80000000u).eax >= leaf && bit(query(leaf).edx, number);
}

/* Intel SDM and AMD APM, leaf 0x80000001: EDX bit 27. */
bool cpuid_rdtscp(void)
{
    return extended_bit(0x80000001u, 27);
}

static int read_signatures(struct signature *found)
{
    int count = 0;
    /* Intel SDM: leaf 1 ECX bit 31 is never set on hardware; without it these leaves answer with others' data. */
    if (!bit(query(1).ecx, 31))
        return 0;
    for (uint32_t leaf = FIRST_LEAF; leaf <= LAST_LEAF && count < MOST_SIGNATURES; leaf += LEAF_STEP) {
        struct registers answer = query(leaf);
        struct signature *one = &found[count];
        memcpy(one->text, &answer.ebx, 4);
        memcpy(one->text + 4, &answer.ecx, 4);
        memcpy(one->text + 8, &answer.edx, 4);
        one->text[12] = 0;
        one->leaf = leaf;
        one->last = answer.eax;
        /* Out of range, Intel answers with its highest basic leaf: EAX is then none of this block. KVM says 0 for 1. */
        if (one->text[0] && (answer.eax == 0 || (answer.eax & ~(LEAF_STEP - 1)) == leaf))
            count++;
    }
    return count;
}

static const struct signature *find(const struct signature *all, int count, const char *text)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(all[i].text, text))
            return &all[i];
    return NULL;
}

/* xen/include/public/arch-x86/cpuid.h, "Leaf 4 (0x40000x03)", sub-leaf 0. */
static void print_xen(const struct signature *xen)
{
    if (!xen || xen->last < xen->leaf + 3) {
        json_null("xen");
        return;
    }
    struct registers time = query(xen->leaf + 3);
    json_open("xen", '{');
    json_number("eax", time.eax);
    json_number("tsc_mode", time.ebx);
    json_bool("emulated", bit(time.eax, 0));
    json_bool("host_tsc_reliable", bit(time.eax, 1));
    json_bool("rdtscp", bit(time.eax, 2));
    json_number("guest_khz", time.ecx);
    json_number("incarnation", time.edx);
    json_close('}');
}

/* arch/x86/include/uapi/asm/kvm_para.h: KVM_FEATURE_CLOCKSOURCE, _CLOCKSOURCE2, _CLOCKSOURCE_STABLE_BIT. */
static void print_kvm(const struct signature *kvm)
{
    if (!kvm) {
        json_null("kvm");
        return;
    }
    uint32_t features = query(kvm->leaf + 1).eax;
    json_open("kvm", '{');
    json_bool("clocksource", bit(features, 0));
    json_bool("clocksource2", bit(features, 3));
    json_bool("stable", bit(features, 24));
    json_close('}');
}

/* include/asm-generic/hyperv-tlfs.h: HV_MSR_REFERENCE_TSC_AVAILABLE, HV_FEATURE_FREQUENCY_MSRS_AVAILABLE (EDX),
   HV_ACCESS_TSC_INVARIANT. */
static void print_hyperv(const struct signature *hyperv)
{
    if (!hyperv || hyperv->last < hyperv->leaf + 3) {
        json_null("hyperv");
        return;
    }
    struct registers features = query(hyperv->leaf + 3);
    json_open("hyperv", '{');
    json_bool("reference_tsc", bit(features.eax, 9));
    json_bool("frequency_msrs", bit(features.edx, 8));
    json_bool("tsc_invariant", bit(features.eax, 15));
    json_close('}');
}

void cpuid_print(const char *key)
{
    struct signature found[MOST_SIGNATURES];
    int count = read_signatures(found);
    const struct signature *named = count ? &found[0] : NULL;

    /* KVM and Xen can show Hyper-V's leaf beside their own; Hyper-V shows no other. */
    for (int i = 0; i < count; i++)
        if (strcmp(found[i].text, "Microsoft Hv")) {
            named = &found[i];
            break;
        }
    json_open(key, '{');
    json_bool("hypervisor_present", bit(query(1).ecx, 31));
    json_string("hypervisor_signature", named ? named->text : NULL);
    json_open("signatures", '[');
    for (int i = 0; i < count; i++) {
        char leaf[11];
        snprintf(leaf, sizeof(leaf), "0x%08x", found[i].leaf);
        json_open(NULL, '{');
        json_string("leaf", leaf);
        json_string("signature", found[i].text);
        json_close('}');
    }
    json_close(']');
    /* Intel SDM and AMD APM, leaf 0x80000007: EDX bit 8. */
    json_bool("invariant_tsc", extended_bit(0x80000007u, 8));
    print_xen(find(found, count, "XenVMMXenVMM"));
    print_kvm(find(found, count, "KVMKVMKVM"));
    print_hyperv(find(found, count, "Microsoft Hv"));
    json_close('}');
}

#else

bool cpuid_rdtscp(void)
{
    return false;
}

void cpuid_print(const char *key)
{
    json_null(key);
}
#endif
