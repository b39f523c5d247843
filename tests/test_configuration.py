"""The configuration tree and the dialplan file, as text; what a switch makes of them is tested
with the drivers."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.cdr_modules import CSV_COLUMNS
from conformance.profile import Profile
from fixtures.cdrs import parse_csv_row
from fixtures.configuration import DIALPLAN, MODULES, check_extensions, render, render_dialplan

SOCKET = "autoload_configs/event_socket.conf.xml"
EXTENSION = '<extension name="e"><condition/></extension>'


def tree(profile: Profile | None = None, **options: object) -> dict[str, str]:
    given: dict[str, object] = {"password": "secret", "port": 8021, "cdr_dir": "/x/cdr"} | options
    return render(profile or Profile(), **given)  # type: ignore[arg-type]


def settings(text: str) -> dict[str, str]:
    found = ElementTree.fromstring(text).iter("param")
    return {param.attrib["name"]: param.attrib["value"] for param in found}


def test_every_file_but_the_empty_dialplan_is_xml() -> None:
    files = tree(Profile(global_variables=(("a", "b"),)))
    assert files.pop(DIALPLAN) == ""
    for text in files.values():
        ElementTree.fromstring(text)


def test_each_file_is_named_after_the_configuration_it_holds() -> None:
    for path, text in tree().items():
        if path.startswith("autoload_configs/"):
            name = ElementTree.fromstring(text).attrib["name"]
            assert path == f"autoload_configs/{name}.xml"


def test_the_password_is_in_one_file_and_as_given() -> None:
    password = "\"<&'>"
    files = tree(password=password)
    assert settings(files[SOCKET])["password"] == password
    holders = [path for path, text in tree(password="Xq7").items() if "Xq7" in text]
    assert holders == [SOCKET]


def test_loopback_conf_says_all_that_the_profile_does() -> None:
    profile = Profile(bowout_hangup_cause="USER_BUSY", fire_bowout_on_bridge=True)
    found = settings(tree(profile)["autoload_configs/loopback.conf.xml"])
    assert found == dict(profile.parameters())
    assert found["fire-bowout-on-bridge"] == "true"


def test_without_networks_there_is_no_acl() -> None:
    assert "apply-inbound-acl" not in settings(tree()[SOCKET])


def test_the_networks_of_the_acl_are_admitted() -> None:
    files = tree(acl=["10.0.0.0/8", "127.0.0.0/8"])
    acl = ElementTree.fromstring(files["autoload_configs/acl.conf.xml"]).find(".//list")
    assert acl is not None
    assert acl.attrib["name"] == settings(files[SOCKET])["apply-inbound-acl"]
    assert [node.attrib["cidr"] for node in acl] == ["10.0.0.0/8", "127.0.0.0/8"]


def test_modules_can_be_left_out() -> None:
    modules = [module for module in MODULES if module != "mod_loopback"]
    text = tree(modules=modules)["autoload_configs/modules.conf.xml"]
    assert [load.attrib["module"] for load in ElementTree.fromstring(text).iter("load")] == modules


def test_the_csv_template_has_the_fields_the_parser_expects() -> None:
    template = ElementTree.fromstring(tree()["autoload_configs/cdr_csv.conf.xml"]).find(
        ".//template"
    )
    assert template is not None
    assert template.text is not None
    assert parse_csv_row(template.text.encode()) == {
        path: f"${{{name}}}" for path, name in CSV_COLUMNS.items()
    }


def test_where_b_legs_are_not_logged_they_have_no_row_either() -> None:
    for logged, legs in ((True, "ab"), (False, "a")):
        text = tree(Profile(log_b_leg=logged))["freeswitch.xml"]
        assert f'data="conformance_csv_legs={legs}"' in text


def test_global_variables_are_set_as_given() -> None:
    text = tree(Profile(global_variables=(("loopback_initial_codec", "PCMU@20i & <x>"),)))
    assert 'data="loopback_initial_codec=PCMU@20i & <x>"' in text["freeswitch.xml"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a", 'x"y'),
        ("a", "x/>y"),
        ("a", "x\ny"),
        ("a", "$${b}"),
        ("a", "<?x"),
        ("a", "X-PRE-PROCESS"),
        ("a", " x"),
        ("a", "x "),
        ("", "x"),
        ("a=b", "x"),
        (" a", "x"),
    ],
)
def test_a_global_variable_that_the_file_cannot_carry_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="cannot be set") as caught:
        tree(Profile(global_variables=((name, value),)))
    assert "\n" not in str(caught.value)


def test_extensions_of_one_context_are_gathered_whatever_the_case() -> None:
    one, two, three = (EXTENSION.replace('"e"', f'"{n}"') for n in "123")
    text = "".join(render_dialplan([{"default": [one], "public": [two]}, {"DEFAULT": [three]}]))
    contexts = ElementTree.fromstring(f"<section>{text}</section>").findall("context")
    found = {c.attrib["name"]: [e.attrib["name"] for e in c] for c in contexts}
    assert found == {"default": ["1", "3"], "public": ["2"]}


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")))
def test_a_context_may_have_any_name_that_xml_can_carry(name: str) -> None:
    try:
        check_extensions(name, [EXTENSION])
    except ValueError as error:
        assert "preprocessor" in str(error)  # noqa: PT017 - most names are fine
    else:
        text = "".join(render_dialplan([{name: [EXTENSION]}]))
        assert ElementTree.fromstring(text).attrib["name"] == name


@pytest.mark.parametrize(
    "extensions",
    [
        "<extension>",
        "</context><context name='x'>",
        "<a b='$${c}'/>",
        "<a b='X-Pre-Process'/>",
        "<!-- x -->",
        "<include></include>",
        "<?x y?>",
        "\0",
    ],
)
def test_extensions_that_would_not_arrive_as_given_are_refused(extensions: str) -> None:
    with pytest.raises(ValueError, match=r"well-formed|preprocessor") as caught:
        check_extensions("default", [EXTENSION, extensions])
    assert "\n" not in str(caught.value)


def test_a_context_name_that_is_no_xml_is_refused() -> None:
    with pytest.raises(ValueError, match="well-formed"):
        check_extensions("\0", [EXTENSION])
