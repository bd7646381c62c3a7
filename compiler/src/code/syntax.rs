//! Codes of the text: what is no YAML, and what YAML reads otherwise than it was meant.

use super::Code;

/// What the text itself can get wrong.
pub(super) const CODES: &[Code] = &[
    Code {
        code: "plan::syntax::alias",
        title: "an alias refers to itself or makes the plan too large",
        explanation: r##"An alias (`*name`) stands for the value that was marked with `&name`. It cannot stand
inside that value, and aliases of aliases may not multiply beyond what a plan needs.

Wrong:

    vars: { a: &a [ 1, *a ] }

Right:

    vars: { a: [ 1, 2 ] }
"##,
    },
    Code {
        code: "plan::syntax::anchor",
        title: "nothing refers to an anchor",
        explanation: r##"`&name` marks a value so that `*name` can stand for it elsewhere. An anchor without an alias
does nothing; a text that begins with `&` needs quotes.

Wrong:

    vars: { a: &a 1 }

Right:

    vars: { a: 1 }
"##,
    },
    Code {
        code: "plan::syntax::bracket",
        title: "a bracket or brace is not closed",
        explanation: r##"What begins with `[` or `{` ends with `]` or `}`, its entries are separated by commas,
and texts inside that hold one of `{}[],` need quotes.

Wrong:

    runs_on: [eu, us

Right:

    runs_on: [eu, us]
"##,
    },
    Code {
        code: "plan::syntax::character",
        title: "the file holds a character that must not stand in it",
        explanation: r##"Control characters, line breaks that YAML does not know, spaces of no width and marks that turn
the direction of the text change what is read without being seen. In double quotes they can be written as escapes.

Wrong:

    name: a\u200bshop (with the character itself)

Right:

    name: ashop
"##,
    },
    Code {
        code: "plan::syntax::conflict",
        title: "a merge of two versions is not finished",
        explanation: r##"Version control wrote both versions of some lines into the file, between `<<<<<<<`, `=======` and
`>>>>>>>`. Until one of them is taken it is not known what the plan says.

Wrong:

    <<<<<<< HEAD
    seed: 7
    =======
    seed: 8
    >>>>>>> other

Right:

    seed: 7
"##,
    },
    Code {
        code: "plan::syntax::depth",
        title: "values are nested too deeply",
        explanation: r##"Mappings and lists nest at most 64 levels. A body that is deeper belongs into a file.

Wrong:

    http: { post: /, json: [[[[ … ]]]] }

Right:

    http: { post: /, file: body.json }
"##,
    },
    Code {
        code: "plan::syntax::directive",
        title: "a directive has no effect",
        explanation: r##"Lines such as `%YAML 1.1` above the document tell other tools how to read it. A plan is read as
YAML 1.2 whatever they say.

Wrong:

    %YAML 1.1
    ---
    version: 1

Right:

    version: 1
"##,
    },
    Code {
        code: "plan::syntax::documents",
        title: "a file holds more than one document",
        explanation: r##"A line `---` begins a new YAML document. A plan is one document; what follows would not
be read.

Wrong:

    version: 1
    ---
    name: shop

Right:

    version: 1
    name: shop
"##,
    },
    Code {
        code: "plan::syntax::duplicate-key",
        title: "a key is written twice",
        explanation: r##"A mapping has each key once. Other readers of YAML silently keep the last one.

Wrong:

    timeout: 5s
    timeout: 9s

Right:

    timeout: 5s
"##,
    },
    Code {
        code: "plan::syntax::empty",
        title: "the file holds no plan",
        explanation: r##"There is nothing in the file but blanks and comments.

Wrong:

    # to be done

Right:

    version: 1
    name: shop
    scenarios: …
"##,
    },
    Code {
        code: "plan::syntax::encoding",
        title: "the file is not UTF-8",
        explanation: r##"Plans are UTF-8 text. The message names the first byte that is not.

Wrong:

    description: caf\xe9   # Latin-1

Right:

    description: café   # UTF-8
"##,
    },
    Code {
        code: "plan::syntax::invalid",
        title: "the text is not YAML",
        explanation: r##"The line does not fit the lines above it: a `:` too many, keys of one mapping in
different columns, or text after a closing quote.

Wrong:

    description: shop: fast

Right:

    description: "shop: fast"
"##,
    },
    Code {
        code: "plan::syntax::key",
        title: "a key is not a name",
        explanation: r##"Keys are plain texts. A list, a mapping, an alias or nothing is no key, and YAML 1.2 has
no merge key `<<`.

Wrong:

    <<: *base

Right:

    headers: *base
"##,
    },
    Code {
        code: "plan::syntax::mark",
        title: "the file begins with a byte order mark",
        explanation: r##"Some editors put U+FEFF in front of a text in UTF-8. It says nothing there, and other tools take
it for the first letter of the first key.

Wrong:

    (U+FEFF)version: 1

Right:

    version: 1
"##,
    },
    Code {
        code: "plan::syntax::quote",
        title: "a quoted text is not closed",
        explanation: r##"A text that begins with a quote ends with the same quote. Inside double quotes a quote
is `\"`, inside single quotes `''`.

Wrong:

    description: 'it''s the shop

Right:

    description: 'it''s the shop'
"##,
    },
    Code {
        code: "plan::syntax::tab",
        title: "a tab stands in the indentation",
        explanation: r##"YAML is indented with spaces; the width of a tab is nobody's agreement.

Wrong:

    nodes:
    	lease: 5s

Right:

    nodes:
      lease: 5s
"##,
    },
    Code {
        code: "plan::yaml::alias",
        title: "a value begins with `*`",
        explanation: r##"YAML reads a leading `*` as an alias for a value marked with `&`. A text that begins
with `*` needs quotes.

Wrong:

    scenario: *

Right:

    scenario: "*"
"##,
    },
    Code {
        code: "plan::yaml::comment",
        title: "a value begins with `#`",
        explanation: r##"After a blank `#` begins a comment, so the key has no value at all.

Wrong:

    description: #1 shop

Right:

    description: "#1 shop"
"##,
    },
    Code {
        code: "plan::yaml::comparison",
        title: "a comparison begins with `>`",
        explanation: r##"YAML reads a leading `>` as the start of a folded text. `<` is no such sign, but `>` and
`>=` need quotes.

Wrong:

    duration: > 100ms

Right:

    duration: "> 100ms"
"##,
    },
    Code {
        code: "plan::yaml::escape",
        title: "a backslash in double quotes",
        explanation: r##"In double quotes `\` begins an escape such as `\n`. A regular expression belongs into
single quotes, where `\` stands for itself.

Wrong:

    regex: "id=(\d+)"

Right:

    regex: 'id=(\d+)'
"##,
    },
    Code {
        code: "plan::yaml::leading-zero",
        title: "a number with a zero in front",
        explanation: r##"As a number the zero would be lost, as a text it would stay. The plan must say which of
the two it means.

Wrong:

    zip: 01234

Right:

    zip: "01234"
"##,
    },
    Code {
        code: "plan::yaml::path",
        title: "a JSONPath without quotes inside braces",
        explanation: r##"Inside `{ }` YAML reads the `[` of a path as the start of a list.

Wrong:

    capture: { id: { json: $.items[0].id } }

Right:

    capture: { id: { json: "$.items[0].id" } }
"##,
    },
    Code {
        code: "plan::yaml::reserved",
        title: "a value begins with a reserved sign",
        explanation: r##"YAML keeps a leading `@`, a backtick and `%` for itself.

Wrong:

    description: @shop

Right:

    description: "@shop"
"##,
    },
    Code {
        code: "plan::yaml::space",
        title: "no space after a colon",
        explanation: r##"`{count:1}` is one key named `count:1` for YAML, without a value.

Wrong:

    { rate: 1/s, count:1 }

Right:

    { rate: 1/s, count: 1 }
"##,
    },
    Code {
        code: "plan::yaml::tag",
        title: "a value begins with `!`",
        explanation: r##"YAML reads a leading `!` as a tag. The plan language has none; a comparison such as `!=
0` needs quotes.

Wrong:

    "$.errors": != 0

Right:

    "$.errors": "!= 0"
"##,
    },
    Code {
        code: "plan::yaml::template",
        title: "a template without quotes",
        explanation: r##"YAML reads `{{` as two mappings. A value that holds a template is quoted as a whole.

Wrong:

    base_url: {{ vars.shop }}

Right:

    base_url: "{{ vars.shop }}"
"##,
    },
];
