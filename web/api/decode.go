package api

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

// maxBody bounds the body of a request: environments and labels are the
// largest things in one.
const maxBody = 2 << 20

// decode reads the request's JSON body into v, a pointer to a struct. An empty
// body is an empty object. Unknown fields are ignored, because clients of other
// versions send them; a field of v without omitempty must be there.
func decode(w http.ResponseWriter, r *http.Request, v any) error {
	if r.ContentLength != 0 {
		if err := reply.DecodeLenient(w, r, maxBody, v); err != nil {
			return err
		}
	}
	return checkRequired(reflect.ValueOf(v).Elem(), "")
}

// checkRequired returns an error that names the first field that must be there
// and is not. Preconditions: v is a struct.
func checkRequired(v reflect.Value, prefix string) error {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous {
			if err := checkRequired(value, prefix); err != nil {
				return err
			}
			continue
		}
		if !strings.Contains(options, "omitempty") && value.Kind() != reflect.Bool && value.IsZero() {
			return sandbox.FieldErrorf(prefix+name, "%s is missing or empty", prefix+name)
		}
		if err := checkNested(value, prefix+name); err != nil {
			return err
		}
	}
	return nil
}

// checkNested is checkRequired for the structs that a field holds.
func checkNested(v reflect.Value, name string) error {
	switch {
	case v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct && !v.IsNil():
		return checkRequired(v.Elem(), name+".")
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			if err := checkRequired(v.Index(i), name+"["+strconv.Itoa(i)+"]."); err != nil {
				return err
			}
		}
	}
	return nil
}

// The longest interval that is taken, in minutes: about a hundred years.
const maxMinutes = 100 * 365 * 24 * 60

// pathMinutes reads an interval in whole minutes from the path.
func pathMinutes(r *http.Request, name string, lowest int) (*time.Duration, error) {
	n, err := strconv.Atoi(r.PathValue(name))
	if err != nil {
		return nil, sandbox.FieldErrorf(name, "%s must be a whole number of minutes, not %.40q", name, r.PathValue(name))
	}
	return minutesField(&n, name, lowest)
}

// minutesField turns a number of minutes, which may be nil, into a duration.
func minutesField(n *int, name string, lowest int) (*time.Duration, error) {
	if n == nil {
		return nil, nil
	}
	if *n < lowest || *n > maxMinutes {
		return nil, sandbox.FieldErrorf(name, "%s must be %d to %d minutes, not %d", name, lowest, maxMinutes, *n)
	}
	d := time.Duration(*n) * time.Minute
	return &d, nil
}

// pathBool reads true or false from the path.
func pathBool(r *http.Request, name string) (bool, error) {
	switch r.PathValue(name) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, sandbox.FieldErrorf(name, "%s must be true or false, not %.40q", name, r.PathValue(name))
}
