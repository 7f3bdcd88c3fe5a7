package storage

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"parley/storage/lookup"
	"parley/storage/vcard"
)

// mailScheme marks an address that is kept and found but not called.
const mailScheme = "mailto:"

// contactOf makes a contact of a vCard. What tells others what to do on this
// computer, such as answering by itself, is not taken from a file. A photo that
// is not in the file is not fetched.
func contactOf(card *vcard.Card) (NewContact, error) {
	var n NewContact
	labels := map[string]string{} // X-ABLabel by group
	for _, p := range card.Properties {
		if p.Name == "X-ABLABEL" && p.Group != "" {
			labels[p.Group] = strings.TrimSuffix(strings.TrimPrefix(p.Text(), "_$!<"), ">!$_")
		}
	}
	for _, p := range card.Properties {
		switch p.Name {
		case "KIND", "X-ADDRESSBOOKSERVER-KIND":
			if strings.EqualFold(p.Text(), "group") {
				return n, fmt.Errorf("a group, not a person")
			}
		case "FN":
			n.Name = cmp.Or(n.Name, oneLine(p.Text()))
		case "N":
			parts := append(p.Parts(), "", "")
			n.Family, n.Given = oneLine(parts[0]), oneLine(parts[1])
		case "ORG":
			parts := slices.DeleteFunc(p.Parts(), func(s string) bool { return s == "" })
			n.Organization = cmp.Or(n.Organization, oneLine(strings.Join(parts, ", ")))
		case "NOTE":
			if len(n.Note) <= MaxContactNote { // else it is too long already
				n.Note = strings.TrimSpace(n.Note + "\n" + p.Text())
			}
		case "UID":
			n.UID = oneLine(p.Text())
		case "CATEGORIES":
			for _, g := range p.List() {
				n.GroupNames = append(n.GroupNames, oneLine(g))
			}
		case "PHOTO":
			if data, err := p.Data(); err == nil && n.PhotoData == nil {
				n.PhotoData = data
			}
		case "TEL", "EMAIL", "IMPP", "X-SIP":
			if a, ok := addressOf(p, labels); ok {
				n.Addresses = append(n.Addresses, a)
			}
		}
	}
	return n, nil
}

// oneLine makes one line of text.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// addressOf reads an address; ok is false for one that nobody can call here.
func addressOf(p vcard.Property, labels map[string]string) (a ContactAddress, ok bool) {
	text := oneLine(p.Text())
	scheme, rest, found := strings.Cut(text, ":")
	scheme = strings.ToLower(scheme)
	switch {
	case p.Name == "TEL" && found && scheme == "tel":
		text, _, _ = strings.Cut(rest, ";")
	case p.Name == "EMAIL":
		text = mailScheme + strings.TrimPrefix(text, mailScheme)
	case p.Name == "IMPP" && scheme != "sip" && scheme != "sips":
		return a, false
	}
	if lookup.Parse(text).Key == "" {
		return a, false
	}
	a = ContactAddress{Address: text, Label: oneLine(labels[p.Group])}
	for _, kind := range p.All("TYPE") {
		switch {
		case kind == "pref":
			a.Default = true
		case a.Label == "" && kind != "voice" && kind != "internet" && kind != "sip" && !strings.HasPrefix(kind, "x-"):
			a.Label = oneLine(kind)
		}
	}
	if p.Get("PREF") == "1" {
		a.Default = true
	}
	if strings.HasPrefix(text, mailScheme) {
		a.Default = false
	}
	return a, true
}

// cardOf makes a vCard of version 3 or 4 of a contact.
func cardOf(c Contact, groups []string, photo []byte, version int) vcard.Card {
	card := vcard.Card{Version: fmt.Sprintf("%d.0", version)}
	put := func(name, value string, params ...vcard.Param) {
		if value != "" {
			card.Properties = append(card.Properties, vcard.Property{Name: name, Value: value, Params: params})
		}
	}
	put("UID", vcard.Escape(c.UID))
	put("FN", vcard.Escape(c.Name))
	put("N", vcard.Escape(c.Family)+";"+vcard.Escape(c.Given)+";;;")
	put("ORG", vcard.Escape(c.Organization))
	for i, a := range c.Addresses {
		card.Properties = append(card.Properties, addressProperties(a, fmt.Sprintf("item%d", i+1), version)...)
	}
	for i, g := range groups {
		groups[i] = vcard.Escape(g)
	}
	put("CATEGORIES", strings.Join(groups, ","))
	put("NOTE", vcard.Escape(c.Note))
	if data := base64.StdEncoding.EncodeToString(photo); data != "" && version == 3 {
		put("PHOTO", data, vcard.Param{Name: "ENCODING", Value: "b"}, vcard.Param{Name: "TYPE", Value: strings.ToUpper(strings.TrimPrefix(c.Photo, "image/"))})
	} else if data != "" {
		put("PHOTO", "data:"+c.Photo+";base64,"+data)
	}
	put("REV", c.Updated.UTC().Format("20060102T150405Z"))
	return card
}

// addressProperties writes an address. A label that is no word of the format
// stands in a property beside it, as others do it too.
func addressProperties(a ContactAddress, group string, version int) []vcard.Property {
	p := vcard.Property{Name: "TEL", Value: vcard.Escape(a.Address)}
	switch parsed := lookup.Parse(a.Address); {
	case strings.HasPrefix(a.Address, mailScheme):
		p.Name, p.Value = "EMAIL", vcard.Escape(strings.TrimPrefix(a.Address, mailScheme))
	case strings.HasPrefix(a.Address, "sip:") || strings.HasPrefix(a.Address, "sips:"):
		p.Name, p.Value = "IMPP", a.Address
	case parsed.Number == "":
		p.Name, p.Value = "X-SIP", vcard.Escape(a.Address)
	}
	list := []vcard.Property{p}
	isWord := a.Label == strings.ToLower(a.Label) && !strings.ContainsFunc(a.Label, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	switch {
	case a.Label == "":
	case isWord && !slices.Contains([]string{"pref", "voice", "internet", "sip"}, a.Label):
		list[0].Params = append(list[0].Params, vcard.Param{Name: "TYPE", Value: a.Label})
	default:
		list[0].Group = group
		list = append(list, vcard.Property{Group: group, Name: "X-ABLabel", Value: vcard.Escape(a.Label)})
	}
	if a.Default && version == 3 {
		list[0].Params = append(list[0].Params, vcard.Param{Name: "TYPE", Value: "pref"})
	} else if a.Default {
		list[0].Params = append(list[0].Params, vcard.Param{Name: "PREF", Value: "1"})
	}
	return list
}
