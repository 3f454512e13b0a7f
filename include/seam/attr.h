/*
 * seam/attr.h - the compiler attributes that the other headers use, and nothing else.
 */
#ifndef SEAM_ATTR_H
#define SEAM_ATTR_H

#if defined(__GNUC__)
#define SEAM_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define SEAM_NORETURN __attribute__((noreturn))
#define SEAM_UNUSED __attribute__((unused))
#define SEAM_CONSTRUCTOR __attribute__((constructor))
/* What stands between these is seen from outside libseam, whatever -fvisibility says. */
#define SEAM_PUBLIC_BEGIN _Pragma("GCC visibility push(default)")
#define SEAM_PUBLIC_END _Pragma("GCC visibility pop")
#else
#error "Seam needs gcc or clang: test registration uses __attribute__((constructor))"
#endif

#endif
