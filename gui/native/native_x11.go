//go:build linux && cgo && !wayland && !ci

package native

/*
#cgo LDFLAGS: -lX11
#include <stdlib.h>
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <X11/Xatom.h>

static int ignore_error(Display *d, XErrorEvent *e) { return 0; }

static Atom atom(Display *d, const char *name) { return XInternAtom(d, name, False); }

static void set_input(Display *d, Window w, int input) {
	XWMHints *h = XGetWMHints(d, w);
	if (h == NULL) h = XAllocWMHints();
	if (h == NULL) return;
	h->flags |= InputHint;
	h->input = input;
	XSetWMHints(d, w, h);
	XFree(h);
}

// work_area reads the part of the screen that panels leave free.
static void work_area(Display *d, long *x, long *y, long *width, long *height) {
	Atom type; int format; unsigned long n, rest; unsigned char *data = NULL;
	*x = *y = 0;
	*width = DisplayWidth(d, DefaultScreen(d));
	*height = DisplayHeight(d, DefaultScreen(d));
	if (XGetWindowProperty(d, DefaultRootWindow(d), atom(d, "_NET_WORKAREA"), 0, 4, False, XA_CARDINAL,
			&type, &format, &n, &rest, &data) == Success && data != NULL) {
		if (n >= 4 && format == 32) {
			long *v = (long *)data;
			*x = v[0]; *y = v[1]; *width = v[2]; *height = v[3];
		}
		XFree(data);
	}
}

static void place(Display *d, Window w, int width, int height) {
	long x, y, area_w, area_h, supplied;
	XSizeHints *s = XAllocSizeHints();
	if (s == NULL) return;
	work_area(d, &x, &y, &area_w, &area_h);
	x += area_w - width - 24;
	y += area_h - height - 48;
	XGetWMNormalHints(d, w, s, &supplied);
	s->flags |= USPosition | PPosition;
	s->x = x; s->y = y;
	XSetWMNormalHints(d, w, s);
	XMoveWindow(d, w, x, y);
	XFree(s);
}

// parley_quiet tells the window manager, before w is mapped, to put it above all
// others and to leave the focus where it is (EWMH 1.5, _NET_WM_USER_TIME; ICCCM
// 4.1.7, input hint).
static void parley_quiet(unsigned long w, int width, int height) {
	Display *d = XOpenDisplay(NULL);
	if (d == NULL) return;
	XErrorHandler old = XSetErrorHandler(ignore_error);
	unsigned long never = 0;
	Atom states[3] = {
		atom(d, "_NET_WM_STATE_ABOVE"), atom(d, "_NET_WM_STATE_SKIP_TASKBAR"), atom(d, "_NET_WM_STATE_SKIP_PAGER"),
	};
	XChangeProperty(d, w, atom(d, "_NET_WM_USER_TIME"), XA_CARDINAL, 32, PropModeReplace, (unsigned char *)&never, 1);
	XChangeProperty(d, w, atom(d, "_NET_WM_STATE"), XA_ATOM, 32, PropModeReplace, (unsigned char *)states, 3);
	set_input(d, w, False);
	place(d, w, width, height);
	XSync(d, False);
	XSetErrorHandler(old);
	XCloseDisplay(d);
}

static void parley_move(unsigned long w, int width, int height) {
	Display *d = XOpenDisplay(NULL);
	if (d == NULL) return;
	XErrorHandler old = XSetErrorHandler(ignore_error);
	place(d, w, width, height);
	XSync(d, False);
	XSetErrorHandler(old);
	XCloseDisplay(d);
}

static void parley_settle(unsigned long w) {
	Display *d = XOpenDisplay(NULL);
	if (d == NULL) return;
	XErrorHandler old = XSetErrorHandler(ignore_error);
	set_input(d, w, True);
	XSync(d, False);
	XSetErrorHandler(old);
	XCloseDisplay(d);
}
*/
import "C"

import "fyne.io/fyne/v2/driver"

// prepare is called with the system's window before it is mapped.
func prepare(context any, width, height int) {
	if x, ok := context.(driver.X11WindowContext); ok && x.WindowHandle != 0 {
		C.parley_quiet(C.ulong(x.WindowHandle), C.int(width), C.int(height))
	}
}

// move is called when the size of the window has changed.
func move(context any, width, height int) {
	if x, ok := context.(driver.X11WindowContext); ok && x.WindowHandle != 0 {
		C.parley_move(C.ulong(x.WindowHandle), C.int(width), C.int(height))
	}
}

// settle is called once it was mapped and the window manager has seen it.
func settle(context any) {
	if x, ok := context.(driver.X11WindowContext); ok && x.WindowHandle != 0 {
		C.parley_settle(C.ulong(x.WindowHandle))
	}
}
