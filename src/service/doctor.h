/* service/doctor.h - what the program `services` can start on this machine: its part of `seam doctor`. */
#ifndef SERVICE_DOCTOR_H
#define SERVICE_DOCTOR_H

#include <stdbool.h>

/* Print a line for each kind of service, with why not and the command that mends it. False: one cannot be had. */
bool doctor_services(void);

#endif
