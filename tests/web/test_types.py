"""The types that come with the JavaScript modules: right programs compile, wrong ones do not, nothing is made up."""

from pathlib import Path

from tests.web.conftest import Node

HERE = Path(__file__).parent


def test_right_programs_compile_and_wrong_ones_do_not(node: Node) -> None:
    """`types/` holds both; a fault that goes unnoticed is an error of its own, since it is marked as expected."""
    done = node.run(node.modules / "typescript" / "bin" / "tsc", "--project", HERE / "types", timeout_s=300)
    assert done.returncode == 0, done.stdout


def test_the_compiler_does_look(node: Node, tmp_path: Path) -> None:
    """Without the marks each of the wrong lines is reported: 14 in all."""
    wrong = (HERE / "types" / "wrong.ts").read_text()
    unmarked = "\n".join(line for line in wrong.splitlines() if "@ts-expect-error:" not in line)
    web = HERE.parents[1] / "edge" / "web"
    (tmp_path / "wrong.ts").write_text(unmarked.replace("../../../edge/web", str(web)))
    tsc = node.modules / "typescript" / "bin" / "tsc"
    options = ["--strict", "--noEmit", "--target", "ES2022", "--module", "ESNext", "--moduleResolution", "bundler"]
    done = node.run(tsc, *options, tmp_path / "wrong.ts", timeout_s=300)
    assert done.stdout.count("error TS") == wrong.count("// @ts-expect-error:") == 14, done.stdout


def test_the_modules_export_what_the_types_declare(node: Node) -> None:
    """Asked of TypeScript and of the modules themselves."""
    node.test(HERE / "exports.test.mjs", timeout_s=300)


def test_the_react_module_renders_on_a_server(node: Node) -> None:
    """Markup, fallbacks, catalogue texts that are not to be trusted, and no request."""
    node.test(HERE / "react.test.mjs")
