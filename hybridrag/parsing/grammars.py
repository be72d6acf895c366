"""The languages that are read by syntax tree: whose grammar, and which nodes of its trees define something."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grammar:
    """`package` is the module with the grammar, `function` what gives it.

    `definitions` are queries (tree-sitter's), each with what it defines under `@it`; a bare word is a node type.
    `wrappers` are node types around a definition that belong to it: its decorators, `export`, `template <...>`.
    """

    package: str
    definitions: tuple[str, ...]
    wrappers: frozenset[str] = frozenset()
    function: str = "language"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ECMA_FUNCTION = "[(arrow_function) (function_expression) (generator_function)]"
_ECMA = (
    *_words("class_declaration function_declaration generator_function_declaration method_definition"),
    f"(variable_declarator value: {_ECMA_FUNCTION}) @it",
    f"(assignment_expression right: {_ECMA_FUNCTION}) @it",
)
_ECMA_WRAPPERS = frozenset(_words("export_statement lexical_declaration variable_declaration expression_statement"))
_TYPED_ECMA = (
    *_ECMA,
    *_words("interface_declaration type_alias_declaration enum_declaration abstract_class_declaration internal_module"),
)
_C = (
    "function_definition",
    "(struct_specifier body: (_)) @it",
    "(union_specifier body: (_)) @it",
    "(enum_specifier body: (_)) @it",
)
_C_WRAPPERS = frozenset(_words("type_definition declaration"))

GRAMMARS: dict[str, Grammar] = {
    "text/x-python": Grammar(
        "tree_sitter_python",
        _words("class_definition function_definition"),
        frozenset({"decorated_definition"}),
    ),
    "text/javascript": Grammar("tree_sitter_javascript", _ECMA, _ECMA_WRAPPERS),
    "text/x-typescript": Grammar("tree_sitter_typescript", _TYPED_ECMA, _ECMA_WRAPPERS, "language_typescript"),
    "text/x-tsx": Grammar("tree_sitter_typescript", _TYPED_ECMA, _ECMA_WRAPPERS, "language_tsx"),
    "text/x-java": Grammar(
        "tree_sitter_java",
        _words(
            "class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration "
            "method_declaration constructor_declaration compact_constructor_declaration"
        ),
    ),
    "text/x-go": Grammar(
        "tree_sitter_go",
        _words("function_declaration method_declaration type_spec"),
        frozenset({"type_declaration"}),
    ),
    "text/x-rust": Grammar(
        "tree_sitter_rust",
        (
            *_words("function_item struct_item enum_item union_item trait_item impl_item macro_definition"),
            "(mod_item body: (_)) @it",
        ),
    ),
    "text/x-c": Grammar("tree_sitter_c", _C, _C_WRAPPERS),
    "text/x-c++": Grammar(
        "tree_sitter_cpp",
        (*_C, "(class_specifier body: (_)) @it", "namespace_definition", "concept_definition"),
        _C_WRAPPERS | {"template_declaration"},
    ),
    "text/x-csharp": Grammar(
        "tree_sitter_c_sharp",
        _words(
            "namespace_declaration class_declaration struct_declaration interface_declaration enum_declaration "
            "record_declaration delegate_declaration method_declaration constructor_declaration "
            "destructor_declaration operator_declaration property_declaration"
        ),
    ),
    "text/x-ruby": Grammar("tree_sitter_ruby", _words("module class singleton_class method singleton_method")),
    "text/x-php": Grammar(
        "tree_sitter_php",
        _words(
            "class_declaration interface_declaration trait_declaration enum_declaration function_definition "
            "method_declaration"
        ),
        function="language_php",
    ),
    "text/x-shellscript": Grammar("tree_sitter_bash", _words("function_definition")),
    "text/x-kotlin": Grammar(
        "tree_sitter_kotlin",
        _words("class_declaration object_declaration companion_object function_declaration secondary_constructor"),
    ),
    "text/x-swift": Grammar(
        "tree_sitter_swift", _words("class_declaration protocol_declaration function_declaration init_declaration")
    ),
    "text/x-scala": Grammar(
        "tree_sitter_scala",
        _words(
            "class_definition object_definition trait_definition enum_definition function_definition given_definition "
            "extension_definition package_object"
        ),
    ),
    "text/x-lua": Grammar(
        "tree_sitter_lua",
        ("function_declaration", "(assignment_statement (expression_list value: (function_definition))) @it"),
    ),
}
