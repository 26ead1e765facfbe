/* settings.h - what can be set on an API node, beside what every node has (conf.h). */
#ifndef API_SETTINGS_H
#define API_SETTINGS_H

#include "common/conf.h"

/* Static, ends with a row whose name is NULL. */
extern const setting_t api_settings[];

#endif
