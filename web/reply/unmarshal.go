package reply

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"sandpiper/sandbox"
)

// maxDepth is how deep objects and lists may nest: deeper than any request of
// ours, shallow enough that nobody can burn time with brackets.
const maxDepth = 32

// maxTokens is how many names, values and brackets there may be: more than the
// largest program has files, arguments and variables, and few enough that what a
// body decodes to is not many times as large as the body.
const maxTokens = 16_384

// Unmarshal decodes one JSON value into v, strictly: the text is UTF-8, there
// is nothing after the value, no object has a field twice, no field is unknown,
// nothing nests deeper than 32 levels and there are 16,384 names, values and
// brackets at most. Its errors are *sandbox.Error:
// KindInvalid with the position for text that is not JSON, KindUnprocessed
// with Field set for JSON that does not fit v.
func Unmarshal(data []byte, v any) error {
	if err := check(data); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return explain(dec.Decode(v))
}

// UnmarshalLenient is Unmarshal that ignores unknown fields.
func UnmarshalLenient(data []byte, v any) error {
	if err := check(data); err != nil {
		return err
	}
	return explain(json.Unmarshal(data, v))
}

func check(data []byte) error {
	if err := checkSyntax(data); err != nil {
		return err
	}
	return checkStructure(data)
}

// checkSyntax reports text that is not one JSON value.
func checkSyntax(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return sandbox.Errorf(sandbox.KindInvalid, "the body is empty; send a JSON object")
	}
	if !utf8.Valid(data) {
		return sandbox.Errorf(sandbox.KindInvalid, "the body is not UTF-8 text")
	}
	var raw json.RawMessage
	err := json.Unmarshal(data, &raw)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		line, column := position(data, int(syntax.Offset))
		return sandbox.Errorf(sandbox.KindInvalid, "the body is not JSON: %v at line %d, column %d", syntax, line, column)
	default:
		return sandbox.Errorf(sandbox.KindInvalid, "the body is not JSON: %v", err)
	}
}

// position turns an offset just after a byte into that byte's line and column,
// both from 1, in characters.
func position(data []byte, offset int) (line, column int) {
	before := data[:max(0, min(offset, len(data))-1)]
	line = 1 + bytes.Count(before, []byte("\n"))
	column = 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return line, column
}

// checkStructure reports fields that are there twice, nesting that is too deep
// and too many values. Precondition: data is valid JSON.
func checkStructure(data []byte) error {
	type level struct {
		keys map[string]bool // nil for a list
		key  bool            // the next token is a key
	}
	var open []level
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	for tokens := 0; ; tokens++ {
		token, err := dec.Token()
		if err != nil {
			return nil // the end: the syntax is known to be good
		}
		if tokens >= maxTokens {
			return sandbox.Errorf(sandbox.KindInvalid, "the body has too many names and values: %d at most", maxTokens)
		}
		if top := len(open) - 1; top >= 0 && open[top].keys != nil {
			if name, ok := token.(string); ok && open[top].key {
				if open[top].keys[name] {
					return duplicate(name)
				}
				open[top].keys[name] = true
				open[top].key = false
				continue
			}
			open[top].key = true // a value, or the first token of one, follows its key
		}
		switch token {
		case json.Delim('{'):
			open = append(open, level{keys: map[string]bool{}, key: true})
		case json.Delim('['):
			open = append(open, level{})
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if len(open) > maxDepth {
			return sandbox.Errorf(sandbox.KindInvalid, "the body nests deeper than %d levels", maxDepth)
		}
	}
}

func duplicate(name string) error {
	return &sandbox.Error{Kind: sandbox.KindInvalid, Field: name, Message: fmt.Sprintf("the field %.80q is there twice", name)}
}

// explain puts an error of encoding/json into words for people.
func explain(err error) error {
	if err == nil {
		return nil
	}
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return typeError(wrongType)
	}
	if quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name, _ := strconv.Unquote(quoted)
		return sandbox.FieldErrorf(name, "there is no field %.80q here", name)
	}
	return sandbox.Errorf(sandbox.KindUnprocessed, "the body does not fit: %v", err)
}

func typeError(e *json.UnmarshalTypeError) error {
	subject := e.Field
	if subject == "" {
		subject = "the body"
	}
	got, _, _ := strings.Cut(e.Value, " ") // "number 1.5" is a number
	return sandbox.FieldErrorf(e.Field, "%s must be %s, not %s", subject, typeName(e.Type), article(got))
}

func article(jsonType string) string {
	switch jsonType {
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "bool":
		return "true or false"
	default:
		return "a " + jsonType
	}
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number in range"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list"
	default:
		return "an object"
	}
}
