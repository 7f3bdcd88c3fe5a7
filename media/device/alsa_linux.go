package device

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stddef.h>

typedef void (*parley_alsa_handler)(const char *file, int line, const char *function, int err, const char *fmt, ...);

static void parley_alsa_ignore(const char *file, int line, const char *function, int err, const char *fmt, ...) {
	(void)file, (void)line, (void)function, (void)err, (void)fmt;
}

// parley_alsa_quiet keeps libasound from writing to standard error. The library
// stays loaded, or its handler would be forgotten.
static void parley_alsa_quiet(void) {
	void *lib = dlopen("libasound.so.2", RTLD_NOW);
	if (lib == NULL) {
		return;
	}
	int (*set)(parley_alsa_handler) = (int (*)(parley_alsa_handler))dlsym(lib, "snd_lib_error_set_handler");
	if (set != NULL) {
		set(parley_alsa_ignore);
	}
}
*/
import "C"

import (
	"path/filepath"

	"github.com/gen2brain/malgo"
)

// usable reports whether a backend is worth a try. ALSA without a sound card
// lists devices that cannot be opened, and complains about them on standard
// error.
func usable(b malgo.Backend) bool {
	if b != malgo.BackendAlsa {
		return true
	}
	cards, _ := filepath.Glob("/dev/snd/pcm*")
	if len(cards) == 0 {
		return false
	}
	C.parley_alsa_quiet()
	return true
}
