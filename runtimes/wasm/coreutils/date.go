package coreutils

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a shell cannot read the host's
)

// zone is the time zone that TZ names, UTC without one.
func (c *Call) zone() *time.Location {
	if zone, err := time.LoadLocation(strings.TrimPrefix(c.getenv("TZ"), ":")); err == nil {
		return zone
	}
	return time.UTC
}

// date prints a time.
func date(c *Call) int {
	o := c.parse("ud:I::Rr:s:f:", "utc:u", "universal:u", "date:d", "iso-8601", "rfc-email:R", "rfc-3339=", "reference:r", "set:s")
	if o.has("s") {
		return c.fail(1, "cannot set date: Operation not permitted")
	}
	when := time.Now()
	switch {
	case o.has("d"):
		t, ok := c.parseTime(o.value("d", ""), false)
		if !ok {
			return c.fail(1, "invalid date '%s'", o.value("d", ""))
		}
		when = t
	case o.has("r"):
		info, err := c.stat(o.value("r", ""))
		if err != nil {
			return c.failErr(o.value("r", ""), err)
		}
		when = info.ModTime()
	}
	when = when.In(c.zone())
	if o.has("u") {
		when = when.UTC()
	}
	format := "%a %b %e %H:%M:%S %Z %Y"
	switch {
	case len(o.rest) > 0 && strings.HasPrefix(o.rest[0], "+"):
		format = o.rest[0][1:]
	case o.has("R"):
		format = "%a, %d %b %Y %H:%M:%S %z"
	case o.has("I", "iso-8601"):
		format = "%Y-%m-%d"
		if unit := o.value("I", o.value("iso-8601", "")); strings.HasPrefix(unit, "s") || strings.HasPrefix(unit, "n") {
			format = "%Y-%m-%dT%H:%M:%S%:z"
		}
	case o.has("rfc-3339"):
		format = "%Y-%m-%d %H:%M:%S%:z"
	}
	c.out.WriteString(strftime(format, when) + "\n")
	return 0
}

// layouts are the times that parseTime reads.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04",
	"2006-01-02", "2006/01/02", "01/02/2006", "20060102", time.RFC1123Z, time.RFC1123, time.ANSIC, time.UnixDate, "Mon, 2 Jan 2006", "2 Jan 2006", "Jan 2 2006", "Jan 2, 2006", "15:04:05", "15:04",
}

// parseTime reads a time as people write it: a date, @seconds, or words such as
// "yesterday" and "2 days ago". With stamp it is touch -t's form.
func (c *Call) parseTime(text string, stamp bool) (time.Time, bool) {
	now := time.Now().In(c.zone())
	if stamp {
		for _, layout := range []string{"200601021504.05", "200601021504", "0601021504"} {
			if t, err := time.ParseInLocation(layout, text, c.zone()); err == nil {
				return t, true
			}
		}
		return now, false
	}
	text = strings.TrimSpace(text)
	if seconds, ok := strings.CutPrefix(text, "@"); ok {
		n, err := strconv.ParseFloat(seconds, 64)
		return time.UnixMilli(int64(n * 1000)), err == nil
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, c.zone()); err == nil {
			if strings.HasPrefix(layout, "15:") {
				t = time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, c.zone())
			}
			return t, true
		}
	}
	return c.relativeTime(now, strings.Fields(strings.ToLower(text)))
}

// relativeTime reads words that move a time, after a date or from now on.
func (c *Call) relativeTime(when time.Time, words []string) (time.Time, bool) {
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch word {
		case "now", "today", "ago", "and":
			continue
		case "yesterday":
			when = when.AddDate(0, 0, -1)
			continue
		case "tomorrow":
			when = when.AddDate(0, 0, 1)
			continue
		case "+", "-":
			if i+1 < len(words) {
				words[i+1] = strings.TrimPrefix(word, "+") + words[i+1]
			}
			continue
		case "next", "last":
			word = map[string]string{"next": "+1", "last": "-1"}[word]
		}
		digits := strings.TrimRight(word, "abcdefghijklmnopqrstuvwxyz")
		unit := word[len(digits):]
		n, err := strconv.Atoi(strings.TrimPrefix(digits, "+"))
		if err != nil {
			if i == 0 {
				if t, ok := c.dateWord(words); ok {
					return c.relativeTime(t, words[1:])
				}
			}
			return when, false
		}
		if unit == "" {
			if i++; i == len(words) {
				return when, false
			}
			unit = words[i]
		}
		if i+1 < len(words) && words[i+1] == "ago" {
			n = -n
		}
		var ok bool
		if when, ok = move(when, n, strings.TrimSuffix(unit, "s")); !ok {
			return when, false
		}
	}
	return when, len(words) > 0
}

func (c *Call) dateWord(words []string) (time.Time, bool) {
	t, err := time.ParseInLocation("2006-01-02", words[0], c.zone())
	return t, err == nil
}

func move(t time.Time, n int, unit string) (time.Time, bool) {
	switch unit {
	case "second", "sec":
		return t.Add(time.Duration(n) * time.Second), true
	case "minute", "min":
		return t.Add(time.Duration(n) * time.Minute), true
	case "hour":
		return t.Add(time.Duration(n) * time.Hour), true
	case "day":
		return t.AddDate(0, 0, n), true
	case "week":
		return t.AddDate(0, 0, 7*n), true
	case "month":
		return t.AddDate(0, n, 0), true
	case "year":
		return t.AddDate(n, 0, 0), true
	}
	return t, false
}

// strftime formats a time by C's directives.
func strftime(format string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		flag := byte(0)
		if strings.IndexByte("-_0^#", format[i]) >= 0 && i+1 < len(format) {
			flag = format[i]
			i++
		}
		width := 0
		for i+1 < len(format) && format[i] >= '1' && format[i] <= '9' {
			width = int(format[i] - '0')
			i++
		}
		text := field(format[i], t)
		switch {
		case format[i] == ':' && strings.HasPrefix(format[i+1:], "z"):
			text = t.Format("-07:00")
			i++
		case format[i] == 'N' && width > 0:
			text = text[:width]
		case flag == '-':
			text = strings.TrimLeft(text, "0 ")
			if text == "" {
				text = "0"
			}
		case flag == '_':
			trimmed := strings.TrimLeft(text[:len(text)-1], "0") + text[len(text)-1:]
			text = strings.Repeat(" ", len(text)-len(trimmed)) + trimmed
		case flag == '^':
			text = strings.ToUpper(text)
		}
		b.WriteString(text)
	}
	return b.String()
}

// goLayouts are directives that are a layout of package time.
var goLayouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan", 'd': "02", 'e': "_2", 'm': "01", 'y': "06", 'Y': "2006",
	'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'P': "pm", 'z': "-0700", 'Z': "MST", 'F': "2006-01-02", 'T': "15:04:05",
	'D': "01/02/06", 'R': "15:04", 'r': "03:04:05 PM", 'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05",
}

func field(directive byte, t time.Time) string {
	if layout, ok := goLayouts[directive]; ok {
		return t.Format(layout)
	}
	year, week := t.ISOWeek()
	switch directive {
	case 's':
		return strconv.FormatInt(t.Unix(), 10)
	case 'N':
		return fmt.Sprintf("%09d", t.Nanosecond())
	case 'j':
		return fmt.Sprintf("%03d", t.YearDay())
	case 'u':
		return strconv.Itoa((int(t.Weekday())+6)%7 + 1)
	case 'w':
		return strconv.Itoa(int(t.Weekday()))
	case 'V':
		return fmt.Sprintf("%02d", week)
	case 'G':
		return strconv.Itoa(year)
	case 'U':
		return fmt.Sprintf("%02d", (t.YearDay()+6-int(t.Weekday()))/7)
	case 'W':
		return fmt.Sprintf("%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7)
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100)
	case 'k':
		return fmt.Sprintf("%2d", t.Hour())
	case 'l':
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1)
	case 'q':
		return strconv.Itoa((int(t.Month())-1)/3 + 1)
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case '%':
		return "%"
	}
	return "%" + string(directive)
}
