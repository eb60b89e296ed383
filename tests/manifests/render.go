// render prints a chart as Helm would install it: the same template engine, functions and YAML
// library (Debian has no Helm). The subset: values files, no sub-charts, hooks, lookups or notes.
//
// usage: render [-f VALUES]... CHART RELEASE NAMESPACE SERVICE
//
// SERVICE is what templates see as .Release.Service; Helm's is "Helm". CRDs come first.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type object = map[string]interface{}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

func read(path string) string {
	text, err := os.ReadFile(path)
	check(err)
	return string(text)
}

func parse(path string) object {
	values := object{}
	if err := yaml.Unmarshal([]byte(read(path)), &values); err != nil {
		check(fmt.Errorf("%s: %w", path, err))
	}
	return values
}

// Maps are merged, null takes a key away, anything else replaces.
func merge(into, from object) {
	for key, value := range from {
		below, isMap := value.(object)
		old, wasMap := into[key].(object)
		switch {
		case value == nil:
			delete(into, key)
		case isMap && wasMap:
			merge(old, below)
		default:
			into[key] = value
		}
	}
}

func functions(templates *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	delete(all, "env")
	delete(all, "expandenv")
	all["toYaml"] = func(value interface{}) string {
		text, err := yaml.Marshal(value)
		check(err)
		return strings.TrimSuffix(string(text), "\n")
	}
	all["include"] = func(name string, data interface{}) (string, error) {
		var text strings.Builder
		err := templates.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	all["required"] = func(complaint string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, fmt.Errorf("%s", complaint)
		}
		return value, nil
	}
	return all
}

func show(path, text string) {
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	fmt.Printf("---\n# Source: %s\n%s\n", path, strings.TrimPrefix(text, "---\n"))
}

func main() {
	arguments := os.Args[1:]
	var files []string
	for len(arguments) > 1 && arguments[0] == "-f" {
		files = append(files, arguments[1])
		arguments = arguments[2:]
	}
	if len(arguments) != 4 {
		fmt.Fprintln(os.Stderr, "usage: render [-f VALUES]... CHART RELEASE NAMESPACE SERVICE")
		os.Exit(2)
	}
	directory := arguments[0]
	values := parse(filepath.Join(directory, "values.yaml"))
	for _, file := range files {
		merge(values, parse(file))
	}
	about := parse(filepath.Join(directory, "Chart.yaml"))
	data := object{
		"Values": values,
		"Chart":  object{"Name": about["name"], "Version": about["version"], "AppVersion": about["appVersion"]},
		"Release": object{"Name": arguments[1], "Namespace": arguments[2], "Service": arguments[3],
			"IsInstall": true, "IsUpgrade": false, "Revision": 1},
	}

	templates := template.New("chart").Option("missingkey=zero")
	templates.Funcs(functions(templates))
	paths, err := filepath.Glob(filepath.Join(directory, "templates", "*"))
	check(err)
	for _, path := range paths {
		_, err := templates.New(path).Parse(read(path))
		check(err)
	}
	name := filepath.Base(directory)
	crds, err := filepath.Glob(filepath.Join(directory, "crds", "*.yaml"))
	check(err)
	for _, path := range crds {
		show(filepath.Join(name, "crds", filepath.Base(path)), read(path))
	}
	for _, path := range paths {
		if strings.HasPrefix(filepath.Base(path), "_") {
			continue
		}
		var text bytes.Buffer
		check(templates.ExecuteTemplate(&text, path, data))
		show(filepath.Join(name, "templates", filepath.Base(path)), text.String())
	}
}
