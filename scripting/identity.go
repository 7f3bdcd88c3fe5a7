package scripting

import (
	"strings"

	"parley/middleware"
)

// identityText reads something of what a call's messages say of the partner.
func identityText(get func(*middleware.Identity) string) func(callView) string {
	return func(v callView) string {
		if v.snap.Identity == nil {
			return ""
		}
		return get(v.snap.Identity)
	}
}

// divertedBy lists the addresses of those who passed a call on, the last first.
func divertedBy(v callView) string {
	var list []string
	for _, d := range v.snap.Diverted() {
		list = append(list, d.Address)
	}
	return strings.Join(list, ", ")
}

// divertedReason tells why the last of them did.
func divertedReason(v callView) string {
	if list := v.snap.Diverted(); len(list) > 0 {
		return constant(list[0].Reason)
	}
	return ""
}
