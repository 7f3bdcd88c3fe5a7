package viewmodel

import (
	"strings"

	"parley/gui/i18n"
	"parley/middleware"
)

// Caption returns what the setting of that key is called in the window, or the
// key itself if the window does not show it. An account's keys have no dot.
func Caption(key string) string {
	for _, f := range []func(string) string{accountCaption, callCaption, forwardCaption, programCaption, networkCaption} {
		if text := f(key); text != "" {
			return text
		}
	}
	return key
}

func accountCaption(key string) string {
	switch key {
	case "id":
		return i18n.T("SIP address")
	case "display_name":
		return i18n.T("Your name, as others see it")
	case "auth_user":
		return i18n.T("User name for logging in, if it differs from the address")
	case "registration":
		return i18n.T("Register with the server, so that calls arrive")
	case "transport":
		return i18n.T("Connection")
	case "proxy":
		return i18n.T("Outbound proxy")
	case "expires":
		return i18n.T("Register again every")
	case "outbound":
		return i18n.T("Keep a connection of its own open for calls that arrive (Outbound)")
	case "srtp":
		return i18n.T("Encryption of calls")
	case "srtp_in_clear":
		return i18n.T("Send keys even where the connection to the server is not encrypted")
	case "dtmf":
		return i18n.T("Send digits")
	case "ptime":
		return i18n.T("Sound per packet")
	case "codecs", "audio.codecs":
		return i18n.T("Codecs, the preferred one first")
	case "dial_rules":
		return i18n.T("Dial rules, one on each line")
	case "pickup_code":
		return i18n.T("Code to pick up a call that rings elsewhere")
	case "park_code":
		return i18n.T("Code to park a call")
	case "unpark_code":
		return i18n.T("Code to take a parked call")
	case "reliable_provisional":
		return i18n.T("Have ringing and announcements acknowledged (100rel)")
	case "session_timer":
		return i18n.T("Check that a call still stands every")
	}
	return ""
}

func callCaption(key string) string {
	switch key {
	case "calls.ring_timeout":
		return i18n.T("Let an incoming call ring for")
	case "calls.call_waiting":
		return i18n.T("Let others ring while I am in a call")
	case "calls.direct_calls":
		return i18n.T("Take calls to this computer's address that come through no account")
	case "calls.recording_dir":
		return i18n.T("Folder for recordings")
	case "calls.ringtone":
		return i18n.T("Ringtone, a WAV file")
	case "calls.history_days":
		return i18n.T("Keep the list of calls for")
	case "calls.do_not_disturb":
		return i18n.T("Do not disturb: callers hear that the line is busy")
	case "calls.reject":
		return i18n.T("Never take calls from, one on each line")
	case "calls.reject_anonymous":
		return i18n.T("Turn away callers who hide their number")
	case "calls.contacts_only":
		return i18n.T("Take calls from contacts only")
	case "calls.auto_answer":
		return i18n.T("Answer calls by itself")
	case "calls.auto_answer_after":
		return i18n.T("After ringing for")
	case "calls.auto_answer_from":
		return i18n.T("Only calls from, one on each line")
	case "calls.answer_after_header":
		return i18n.T("Also when a call asks for it, as intercoms do")
	case "calls.transfers":
		return i18n.T("When the other side sends a call on to somebody else")
	case "calls.follow_redirects":
		return i18n.T("Follow a called phone that is forwarded elsewhere")
	}
	return ""
}

func forwardCaption(key string) string {
	switch key {
	case "calls.forwarding":
		return i18n.T("Forward every call")
	case "calls.forward_to":
		return i18n.T("Forward every call to")
	case "calls.forward_busy_to":
		return i18n.T("When I am in a call, forward to")
	case "calls.forward_no_answer_to":
		return i18n.T("When I do not answer, forward to")
	case "calls.forward_after":
		return i18n.T("After ringing without an answer for")
	}
	return ""
}

func programCaption(key string) string {
	switch key {
	case "general.user_name":
		return i18n.T("Your name")
	case "general.language":
		return i18n.T("Language")
	case "general.theme":
		return i18n.T("Colors")
	case "network.keep_alive":
		return i18n.T("Keep connections to servers open with a sign of life every")
	case "network.listen":
		return i18n.T("Address of this computer to use")
	case "network.port":
		return i18n.T("Port for calls without an account")
	case "network.rtp_port_min":
		return i18n.T("Lowest port for sound")
	case "network.rtp_port_max":
		return i18n.T("Highest port for sound")
	case "network.dns_server":
		return i18n.T("Server for names (DNS)")
	case "network.tls_ca":
		return i18n.T("File with further trusted certificates (PEM)")
	}
	return ""
}

// networkCaption is about the local network.
func networkCaption(key string) string {
	switch key {
	case "bonjour.enabled":
		return i18n.T("Be seen on this network and see who can be called there")
	case "bonjour.display_name":
		return i18n.T("Your name, as others on this network see it")
	case "bonjour.note":
		return i18n.T("Note beside your name")
	case "bonjour.calls_from":
		return i18n.T("Take calls from this network from")
	case "bonjour.ptime":
		return i18n.T("Sound per packet, in calls to another Parley")
	}
	return ""
}

// explainValue says what is wrong with a value, by the caption that stands above
// its field.
func explainValue(e *middleware.ValueError) string {
	want := wantOf(e.Key)
	if want == "" {
		want = e.Want
	}
	name := Caption(e.Key)
	if i := strings.IndexAny(name, ",:("); i > 0 {
		name = strings.TrimSpace(name[:i])
	}
	text := i18n.T("%s: “%s” cannot be used. Wanted: %s.", name, e.Value, want)
	if _, detail, found := strings.Cut(e.Want, "; "); found {
		text = i18n.T("%s (%s)", text, detail)
	}
	return text
}

// wantOf says what a setting that is typed can be.
func wantOf(key string) string {
	switch key {
	case "id":
		return i18n.T("an address such as alice@example.org")
	case "proxy":
		return i18n.T("a server's name, with a port or without")
	case "dial_rules":
		return i18n.T("rules of the form MATCH=REPLACEMENT")
	case "pickup_code", "park_code", "unpark_code":
		return i18n.T("digits, * and #")
	case "calls.reject", "calls.auto_answer_from":
		return i18n.T("addresses, numbers, *@example.org, or the beginning of a number with * behind it")
	case "calls.forward_to", "calls.forward_busy_to", "calls.forward_no_answer_to":
		return i18n.T("a number or an address")
	case "calls.forward_after":
		return i18n.T("less than an incoming call rings")
	case "calls.forwarding":
		return i18n.T("a number or address to forward to, first")
	case "calls.recording_dir", "calls.ringtone", "network.tls_ca":
		return i18n.T("a whole path, from the root of the disk")
	case "network.dns_server":
		return i18n.T("a host, with a port or without")
	case "network.listen":
		return i18n.T("an address of this computer, with a port or without")
	case "network.port", "network.rtp_port_min", "network.rtp_port_max":
		return i18n.T("a number up to 65535, or 0 for any")
	case "bonjour.note":
		return i18n.T("text on one line, at most 200 letters")
	case "display_name", "auth_user", "general.user_name", "bonjour.display_name":
		return i18n.T("text on one line")
	}
	return ""
}
