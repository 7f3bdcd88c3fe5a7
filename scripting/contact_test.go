package scripting

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/middleware"
	"parley/middleware/middlewaretest"
)

// photoFile writes a small picture and returns its path.
func photoFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "face.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestContactCommands(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, _, _ *middlewaretest.Phone) {
		p := attach(t, s)
		for _, tt := range []struct{ command, want string }{
			{"SEARCH CONTACTS", "CONTACTS"},
			{`CREATE CONTACT name="Anna Meyer" addresses=anna@example.org addresses="+49 30 1234567" note="a ""b"""`, "CREATE CONTACT 1"},
			{"CREATE CONTACT organization=Acme addresses=bob@example.org", "CREATE CONTACT 2"},
			{"CREATE CONTACT", "ERROR 1013 Invalid value: name cannot be \"\", it must be given, unless there is an address"},
			{"CREATE CONTACT color=red", "ERROR 1041 CONTACT: Unknown property: there are ADDRESS, ADDRESSES, AUTOANSWER, CALLED, FAMILYNAME, FAVORITE, GIVENNAME, GROUPS, NAME, NOTE, ORGANIZATION, PHOTO, RINGTONE, UID"},
			{"CREATE CONTACT photo=x", "ERROR 1041 CONTACT: Unknown property: photo cannot be set"},
			{"CREATE CONTACT name", "ERROR 1 General syntax error: KEY=VALUE was expected"},
			{"SEARCH CONTACTS", "CONTACTS 2, 1"},
			{"SEARCH CONTACTS meyer", "CONTACTS 1"},
			{"GET CONTACT 1 ADDRESSES", "CONTACT 1 ADDRESSES anna@example.org, +49 30 1234567"},
			{"GET CONTACT 1 NOTE", `CONTACT 1 NOTE a "b"`},
			{"GET CONTACT 1", "ERROR 1041 CONTACT: Unknown property: there are ADDRESS, ADDRESSES, AUTOANSWER, CALLED, FAMILYNAME, FAVORITE, GIVENNAME, GROUPS, NAME, NOTE, ORGANIZATION, PHOTO, RINGTONE, UID"},
			{"GET CONTACT 9 NAME", "ERROR 1040 Unknown contact"},
			{"GET CONTACT x NAME", "ERROR 1040 Unknown contact"},
			{"SET CONTACT 1 ADDRESS +49 30 1234567", "CONTACT 1 ADDRESS +49 30 1234567"},
			{"SET CONTACT 1 ADDRESS carol", "ERROR 1013 Invalid value: it is none of the contact's addresses"},
			{"SET CONTACT 1 ADDRESSES +49 30 1234567, anna@example.com", "CONTACT 1 ADDRESSES +49 30 1234567, anna@example.com"},
			{"GET CONTACT 1 ADDRESS", "CONTACT 1 ADDRESS +49 30 1234567"},
			{"SET CONTACT 1 AUTOANSWER on", "CONTACT 1 AUTOANSWER ON"},
			{"SET CONTACT 1 AUTOANSWER perhaps", "ERROR 1013 Invalid value: ON or OFF"},
			{"SET CONTACT 1 FAVORITE 9", "CONTACT 1 FAVORITE 1"},
			{"SET CONTACT 2 FAVORITE 1", "CONTACT 2 FAVORITE 1"},
			{"SEARCH FAVORITES", "CONTACTS 2, 1"},
			{"SET CONTACT 1 FAVORITE -1", "ERROR 1013 Invalid value: a place among the favorites, or 0"},
			{"SET CONTACT 1 GROUPS x", "ERROR 1041 CONTACT: Unknown property: GROUPS cannot be set"},
			{"SET CONTACT 1 PHOTO face.png", "ERROR 1013 Invalid value: an absolute path is needed"},
			{"SET CONTACT 1 PHOTO /", "ERROR 1013 Invalid value: read /: invalid argument"},
			{"SET CONTACT 1 PHOTO " + photoFile(t), "CONTACT 1 PHOTO image/png"},
			{"GET CONTACT 1 PHOTO", "CONTACT 1 PHOTO image/png"},
			{"SET CONTACT 1 PHOTO", "CONTACT 1 PHOTO"},
			{"ALTER CONTACT 2 ADDADDRESS +1 555 0100, cell", "ALTER CONTACT 2 ADDADDRESS"},
			{"ALTER CONTACT 2 ADDADDRESS", "ERROR 1013 Invalid value: address cannot be \"\", it must be an address or a number"},
			{"ALTER CONTACT 2 REMOVEADDRESS x", "ERROR 1013 Invalid value: it is none of the contact's addresses"},
			{"ALTER CONTACT 2 DANCE", "ERROR 1042 CONTACT: Action failed: the actions are ADDADDRESS and REMOVEADDRESS"},

			{"SEARCH FRIENDS", "USERS bob@example.org, +49301234567"},
			{"SEARCH USERS ann", "USERS +49301234567"},
			{"GET USER +49301234567 FULLNAME", "USER +49301234567 FULLNAME Anna Meyer"},
			{"GET USER +49301234567 ONLINESTATUS", "USER +49301234567 ONLINESTATUS SKYPEOUT"},
			{"GET USER bob@example.org PHONE_MOBILE", "USER bob@example.org PHONE_MOBILE +1 555 0100"},
			{"GET USER bob@example.org BUDDYSTATUS", "USER bob@example.org BUDDYSTATUS 3"},
			{"GET USER eve@example.org BUDDYSTATUS", "USER eve@example.org BUDDYSTATUS 0"},
			{"GET USER eve@example.org SHOESIZE", "ERROR 10 USER: Invalid PROP: there are ABOUT, BUDDYSTATUS, CONTACT, DISPLAYNAME, FULLNAME, HANDLE, HASCALLEQUIPMENT, ISAUTHORIZED, ISBLOCKED, ONLINESTATUS, PHONE_HOME, PHONE_MOBILE, PHONE_OFFICE"},
			{"GET USER", "ERROR 8 Invalid user handle"},
			{"SET USER eve@example.org DISPLAYNAME Eve", "ERROR 9 Unknown user"},
			{"SET USER eve@example.org BUDDYSTATUS 2 please", "USER eve@example.org BUDDYSTATUS 0"},
			{"SET USER eve@example.org DISPLAYNAME Eve", "USER eve@example.org DISPLAYNAME Eve"},
			{"GET USER eve@example.org CONTACT", "USER eve@example.org CONTACT 3"},
			{"SET USER eve@example.org BUDDYSTATUS 7", "ERROR 1013 Invalid value: 1 or 2"},

			{"SEARCH GROUPS", "GROUPS"},
			{"CREATE GROUP Family", "CREATE GROUP Family"},
			{"CREATE GROUP FAMILY", "ERROR 1042 CONTACT: Action failed: there is a group of that name"},
			{"SEARCH GROUPS CUSTOM", "GROUPS 1"},
			{"SEARCH GROUPS HARDWIRED", "GROUPS"},
			{"SEARCH GROUPS BEST", "ERROR 561 GROUP: Invalid target"},
			{"ALTER GROUP 1 ADDUSER eve@example.org", "ALTER GROUP 1 ADDUSER eve@example.org"},
			{"ALTER GROUP 1 ADDUSER nobody@example.org", "ERROR 9 Unknown user"},
			{"ALTER GROUP 1 PAINT eve@example.org", "ERROR 561 GROUP: Invalid target: the actions are ADDUSER and REMOVEUSER"},
			{"GET GROUP 1 USERS", "GROUP 1 USERS eve@example.org"},
			{"GET GROUP 1 NROFUSERS", "GROUP 1 NROFUSERS 1"},
			{"GET GROUP 1 TYPE", "GROUP 1 TYPE CUSTOM_GROUP"},
			{"GET GROUP 1 COLOR", "ERROR 564 GROUP: Invalid property"},
			{"GET GROUP 2 TYPE", "ERROR 562 GROUP: Invalid group id"},
			{"SET GROUP 1 DISPLAYNAME Folks", "GROUP 1 DISPLAYNAME Folks"},
			{"GET CONTACT 3 GROUPS", "CONTACT 3 GROUPS 1"},
			{"ALTER GROUP 1 REMOVEUSER eve@example.org", "ALTER GROUP 1 REMOVEUSER eve@example.org"},
			{"DELETE GROUP 1", "DELETE GROUP 1"},
			{"SET USER eve@example.org BUDDYSTATUS 1", "USER eve@example.org BUDDYSTATUS 3"},
			{"DELETE CONTACT 3", "ERROR 1040 Unknown contact"},
			{"DELETE CONTACT 2", "DELETE CONTACT 2"},
			{"IMPORT CONTACTS in.vcf", "ERROR 1013 Invalid value: an absolute path is needed"},
			{"IMPORT", "ERROR 2 Unknown command"},
			{"EXPORT ALL", "ERROR 2 Unknown command"},
		} {
			p.want(tt.command, tt.want)
		}
	})
}

func TestContactNotifications(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, _, _ *middlewaretest.Phone) {
		p := attach(t, s)
		p.do("CREATE GROUP Family")
		p.wantTold("GROUP 1 TYPE CUSTOM_GROUP", "GROUP 1 CUSTOM_GROUP_ID 1", "GROUP 1 DISPLAYNAME Family", "GROUP 1 NROFUSERS 0", "CONTACTS CHANGED")
		p.do("CREATE CONTACT name=Anna addresses=anna@example.org")
		p.wantTold("CONTACT 1 NAME Anna", "CONTACT 1 ADDRESSES anna@example.org",
			"USER anna@example.org DISPLAYNAME Anna", "USER anna@example.org BUDDYSTATUS 3", "CONTACTS CHANGED")
		p.do("ALTER GROUP 1 ADDUSER anna@example.org")
		p.wantTold("CONTACT 1 NAME Anna", "CONTACT 1 ADDRESSES anna@example.org", "USER anna@example.org DISPLAYNAME Anna",
			"GROUP 1 DISPLAYNAME Family", "GROUP 1 NROFUSERS 1", "CONTACTS CHANGED")
		p.do("DELETE CONTACT 1")
		p.wantTold("DELETED CONTACT 1", "USER anna@example.org BUDDYSTATUS 1", "GROUP 1 DISPLAYNAME Family", "GROUP 1 NROFUSERS 0", "CONTACTS CHANGED")
		p.do("DELETE GROUP 1")
		p.wantTold("DELETED GROUP 1", "CONTACTS CHANGED")
	})
}

func TestImportExportCommands(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, _ *middlewaretest.Phone) {
		p := attach(t, s)
		dir := t.TempDir()
		in, out := filepath.Join(dir, "in with blanks.vcf"), filepath.Join(dir, "out.vcf")
		text := "BEGIN:VCARD\nFN:Anna\nTEL:1\nEND:VCARD\nBEGIN:VCARD\nFN:Bob\nbroken\nEND:VCARD\n"
		if err := os.WriteFile(in, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p.want("IMPORT CONTACTS "+in, "IMPORT CONTACTS ADDED 1 MERGED 0 SAME 0 BAD 1")
		told := p.told()
		slices.Sort(told) // the second comes over the bus
		if diff := cmp.Diff([]string{"CONTACTS CHANGED", "IMPORT LINE 7 Bob: a line without a colon"}, told); diff != "" {
			t.Errorf("notifications (-want +got):\n%s", diff)
		}
		p.want("EXPORT CONTACTS "+out, "EXPORT CONTACTS 1 "+out)
		if got := p.do("EXPORT CONTACTS " + out); !strings.HasPrefix(got, "ERROR 1042 ") {
			t.Errorf("EXPORT CONTACTS over a file = %q, want an error", got)
		}
		p.want("EXPORT CONTACTS overwrite "+out, "EXPORT CONTACTS 1 "+out)
		c := middleware.HistoryEntry{Direction: middleware.HistoryIncoming, PeerName: "Anna", Start: time.Now(), Outcome: middleware.OutcomeMissed}
		if _, err := alice.Profile.History().Add(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		p.want("EXPORT CALLS OVERWRITE "+out, "EXPORT CALLS 1 "+out)
		if got := p.do("EXPORT CALLS " + out); !strings.HasPrefix(got, "ERROR 1030 ") {
			t.Errorf("EXPORT CALLS over a file = %q, want an error", got)
		}
	})
}

func TestCallFilters(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, _ *middlewaretest.Phone) {
		p := attach(t, s)
		now := time.Now()
		for i, c := range []middleware.HistoryEntry{
			{Direction: middleware.HistoryIncoming, PeerName: "Anna", Outcome: middleware.OutcomeMissed},
			{Direction: middleware.HistoryOutgoing, PeerName: "Bob", Outcome: middleware.OutcomeAnswered, Recording: "/r/1.wav"},
			{Direction: middleware.HistoryIncoming, PeerName: "Carl", Outcome: middleware.OutcomeBlocked},
		} {
			c.Start = now.Add(time.Duration(i-100) * time.Minute)
			if _, err := alice.Profile.History().Add(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		names := func(filters string) string {
			t.Helper()
			reply := p.do("SEARCH CALLS " + filters)
			var out []string
			for _, id := range strings.FieldsFunc(strings.TrimPrefix(reply, "CALLS"), func(r rune) bool { return r == ',' || r == ' ' }) {
				words := strings.Fields(p.do("GET CALL " + id + " PARTNER_DISPNAME"))
				out = append(out, words[len(words)-1])
			}
			return strings.Join(out, " ")
		}
		for filters, want := range map[string]string{
			"direction=in":              "Carl Anna",
			"DIRECTION=outgoing":        "Bob",
			"outcome=blocked":           "Carl",
			"missed=true":               "Anna",
			"recorded=true text=b":      "Bob",
			`text="bo"`:                 "Bob",
			"limit=1":                   "Carl",
			"from=" + unix(now):         "",
			"to=2001-01-01T00:00:00Z":   "Carl Bob Anna",
			"account=alice@example.org": "",
		} {
			if got := names(filters); got != want {
				t.Errorf("SEARCH CALLS %s = %q, want %q", filters, got, want)
			}
		}
		for _, bad := range []string{"direction=up", "limit=0", "from=soon", "text=a b", "missed=x", "text=a color=red"} {
			if got := p.do("SEARCH CALLS " + bad); !strings.HasPrefix(got, "ERROR ") {
				t.Errorf("SEARCH CALLS %s = %q, want an error", bad, got)
			}
		}
	})
}
