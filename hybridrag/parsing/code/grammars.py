"""The languages that are read by syntax tree: whose grammar, and which nodes of its trees define something."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grammar:
    """`package` is the module with the grammar, `function` what gives it.

    `definitions` are the node types that define something, `bodied` those that do where they have a body: an assignment
    of a function, a struct that is not only named. `wrappers` are node types around a definition that belong to it: its
    decorators, `export`, `template <...>`. `also` is the grammar of a language that goes by the same file names.
    """

    package: str
    definitions: frozenset[str]
    bodied: frozenset[str] = frozenset()
    wrappers: frozenset[str] = frozenset()
    function: str = "language"
    also: str = ""

    @property
    def name(self) -> str:
        """What a version of its reading is known by."""
        return self.function.removeprefix("language_") if "_" in self.function else self.package[len("tree_sitter_") :]

    @property
    def libraries(self) -> tuple[str, ...]:
        """The distributions that it takes."""
        packages = (package for package in (self.package, self.also) if package)
        return ("tree-sitter", *(package.replace("_", "-") for package in packages))


def _types(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ECMA = _types("class_declaration function_declaration generator_function_declaration method_definition")
_ECMA_BODIED = _types("variable_declarator assignment_expression")
_ECMA_WRAPPERS = _types("export_statement lexical_declaration variable_declaration expression_statement")
_TYPED_ECMA = _ECMA | _types(
    "interface_declaration type_alias_declaration enum_declaration abstract_class_declaration internal_module"
)
_STRUCTS = _types("struct_specifier union_specifier enum_specifier")
_C_WRAPPERS = _types("type_definition declaration")

GRAMMARS: dict[str, Grammar] = {
    "text/x-python": Grammar(
        "tree_sitter_python",
        _types("class_definition function_definition"),
        wrappers=frozenset({"decorated_definition"}),
    ),
    "text/javascript": Grammar("tree_sitter_javascript", _ECMA, _ECMA_BODIED, _ECMA_WRAPPERS),
    "text/x-typescript": Grammar(
        "tree_sitter_typescript", _TYPED_ECMA, _ECMA_BODIED, _ECMA_WRAPPERS, "language_typescript"
    ),
    "text/x-tsx": Grammar("tree_sitter_typescript", _TYPED_ECMA, _ECMA_BODIED, _ECMA_WRAPPERS, "language_tsx"),
    "text/x-java": Grammar(
        "tree_sitter_java",
        _types(
            "class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration "
            "method_declaration constructor_declaration compact_constructor_declaration"
        ),
    ),
    "text/x-go": Grammar(
        "tree_sitter_go",
        _types("function_declaration method_declaration type_spec"),
        wrappers=frozenset({"type_declaration"}),
    ),
    "text/x-rust": Grammar(
        "tree_sitter_rust",
        _types("function_item struct_item enum_item union_item trait_item impl_item macro_definition"),
        frozenset({"mod_item"}),
    ),
    "text/x-c": Grammar(
        "tree_sitter_c", frozenset({"function_definition"}), _STRUCTS, _C_WRAPPERS, also="tree_sitter_cpp"
    ),
    "text/x-c++": Grammar(
        "tree_sitter_cpp",
        _types("function_definition namespace_definition concept_definition"),
        _STRUCTS | {"class_specifier"},
        _C_WRAPPERS | {"template_declaration"},
    ),
    "text/x-csharp": Grammar(
        "tree_sitter_c_sharp",
        _types(
            "namespace_declaration class_declaration struct_declaration interface_declaration enum_declaration "
            "record_declaration delegate_declaration method_declaration constructor_declaration "
            "destructor_declaration operator_declaration property_declaration"
        ),
    ),
    "text/x-ruby": Grammar("tree_sitter_ruby", _types("module class singleton_class method singleton_method")),
    "text/x-php": Grammar(
        "tree_sitter_php",
        _types(
            "class_declaration interface_declaration trait_declaration enum_declaration function_definition "
            "method_declaration"
        ),
        function="language_php",
    ),
    "text/x-shellscript": Grammar("tree_sitter_bash", _types("function_definition")),
    "text/x-kotlin": Grammar(
        "tree_sitter_kotlin",
        _types("class_declaration object_declaration companion_object function_declaration secondary_constructor"),
    ),
    "text/x-swift": Grammar(
        "tree_sitter_swift", _types("class_declaration protocol_declaration function_declaration init_declaration")
    ),
    "text/x-scala": Grammar(
        "tree_sitter_scala",
        _types(
            "class_definition object_definition trait_definition enum_definition function_definition given_definition "
            "extension_definition package_object"
        ),
    ),
    "text/x-lua": Grammar(
        "tree_sitter_lua",
        frozenset({"function_declaration"}),
        frozenset({"assignment_statement"}),
    ),
}
