"""Flags that several commands share, and their checks."""

import argparse
import re

import pytest

from environments.flags import CONTINUAL_TASKS, add_env_flags, env_kwargs_from_flags, make_config
from environments.registry import find_env
from rl_baselines import train
from rl_baselines.registry import find_algo
from rl_baselines.training.moved_flags import MOVED
from srl3.errors import UserError
from srl3.flags import Parser, parse_pair, port_number, positive_float, positive_number, seed_number, whole_number
from state_representation.store.choose import check_srl_model

KUKA, MOBILE = "KukaButtonGymEnv-v0", "MobileRobotGymEnv-v0"
ALGOS_OF_HINTS = ("ppo2", "dqn", "ddpg", "ars", "cma-es")


@pytest.fixture
def parser() -> Parser:
    parser = Parser(prog="robot")
    parser.add_argument("--num-timesteps", type=positive_number, default=10)
    add_env_flags(parser)
    return parser


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (whole_number, "0", 0),
        (whole_number, "1e6", 1_000_000),
        (whole_number, "100_000", 100_000),
        (whole_number, "2.0", 2),
        (positive_number, "5e6", 5_000_000),
        (seed_number, "-1", -1),
        (seed_number, "4294967295", 2**32 - 1),
        (positive_float, "1e-4", 1e-4),
        (port_number, "8097", 8097),
    ],
)
def test_numbers_are_read(kind, text, value):
    assert kind(text) == value
    assert type(kind(text)) is type(value)


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (whole_number, ("-1", "1.5", "many", "", "inf", "nan")),
        (positive_number, ("0", "-1", "1.5", "many", "inf", "nan")),
        (seed_number, ("-2", "4294967296", "0.5")),
        (positive_float, ("0", "-1", "inf", "nan", "much")),
        (port_number, ("1023", "65536", "-8097", "8097.0", "²²²²")),
    ],
)
def test_other_numbers_are_refused(kind, texts):
    for text in texts:
        with pytest.raises(argparse.ArgumentTypeError):
            kind(text)


def test_what_the_user_wrote_is_told_from_defaults(parser):
    arguments, given = parser.parse_with_given([])
    assert (arguments.num_timesteps, arguments.random_target, given) == (10, False, set())
    arguments, given = parser.parse_with_given(["--num-timesteps", "10", "-r"])
    assert (arguments.num_timesteps, arguments.random_target) == (10, True)
    assert given == {"num_timesteps", "random_target"}
    assert parser.parse_args([]).num_timesteps == 10


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--num-timestep", "5"], "unknown flag '--num-timestep'; did you mean --num-timesteps"),
        (["--num-timestep=5"], "unknown flag '--num-timestep'; did you mean --num-timesteps"),
        (["--qqqqqqqqqqqq"], "unknown flag '--qqqqqqqqqqqq'; see robot --help"),
        (["more"], "unexpected argument 'more'; flags begin with -"),
        (["--num-timesteps"], "--num-timesteps: expected one argument; see robot --help"),
        (["--num-timesteps", "0"], "--num-timesteps: '0' is not at least 1"),
        (["--num-timesteps", "-3"], "--num-timesteps: '-3' is not at least 1"),
        (["--num-timesteps", "1.5"], "--num-timesteps: '1.5' is not a whole number of at least 1"),
    ],
)
def test_mistakes_are_user_errors(parser, argv, message):
    with pytest.raises(UserError, match=message):
        parser.parse_with_given(argv)


def test_an_unknown_flag_is_named_before_a_missing_one():
    parser = Parser(prog="robot")
    parser.moved = {"-f": "use --log-dir"}
    parser.add_argument("--log-dir", required=True)
    parser.add_argument("-c", action="store_true")
    for argv, message in (
        (["--logdir", "x"], "unknown flag '--logdir'; did you mean --log-dir"),
        (["--logdir=x"], "unknown flag '--logdir'; did you mean --log-dir"),
        (["-f", "x"], "there is no -f here; use --log-dir"),
        (["-c"], "the following arguments are required: --log-dir"),
        (["-c", "--", "--logdir"], "the following arguments are required: --log-dir"),
        (["-c", "-5"], "the following arguments are required: --log-dir"),
    ):
        with pytest.raises(UserError, match=message):
            parser.parse_args(argv)


def kwargs(parser: Parser, line: str) -> dict[str, object]:
    return env_kwargs_from_flags(*parser.parse_with_given(line.split()))


def test_only_written_flags_set_parameters(parser):
    assert kwargs(parser, "") == {}
    assert kwargs(parser, "-c -joints -r --shape-reward --multi-view --action-repeat 4 --img-shape 64x96") == {
        "is_discrete": False,
        "action_joints": True,
        "random_target": True,
        "shape_reward": True,
        "multi_view": True,
        "action_repeat": 4,
        "img_shape": (64, 96),
    }
    assert kwargs(parser, "--env-kwargs max_steps:5 target:[1,2.5]") == {"max_steps": 5, "target": [1, 2.5]}


@pytest.mark.parametrize(("name", "flags"), CONTINUAL_TASKS.items())
def test_continual_tasks_have_two_flags_each(parser, name, flags):
    for flag in flags:
        assert kwargs(parser, flag) == {name: True}
    with pytest.raises(UserError, match=r"^-\w+ is a task of OmnirobotEnv-v0; Kuka"):
        make_config(KUKA, {name: True})


def test_a_flag_and_a_parameter_may_agree_but_not_differ(parser):
    assert kwargs(parser, "-r --env-kwargs random_target:true") == {"random_target": True}
    with pytest.raises(UserError, match="contradicts the flag that sets random_target"):
        kwargs(parser, "-r --env-kwargs random_target:false")
    with pytest.raises(UserError, match="-sc and -esc are different tasks"):
        kwargs(parser, "-sc -esc")


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("a:1", 1),
        ("a:1e-4", 1e-4),
        ("a:1e3", 1000),
        ("a:100_000", 100_000),
        ("a:0.5", 0.5),
        ("a:true", True),
        ("a:word", "word"),
        ("a:b:c", "b:c"),
        ("a:[1, 2]", [1, 2]),
        ("a:[-1e1, [1e-4, word]]", [-10, [1e-4, "word"]]),
        ("a:null", None),
    ],
)
def test_pairs(item, value):
    name, read = parse_pair(item, "--flag")
    assert (name, read, type(read)) == ("a", value, type(value))


@pytest.mark.parametrize("item", ["a", "a:", ":1", "", "a:[1"])
def test_malformed_pairs(item):
    with pytest.raises(UserError, match="--flag"):
        parse_pair(item, "--flag")


def test_a_configuration_is_checked_without_its_engine():
    assert make_config(MOBILE, {"max_steps": 7}).max_steps == 7
    with pytest.raises(UserError, match="unknown environment 'Kuka'"):
        make_config("Kuka", {})
    with pytest.raises(UserError, match="unknown parameter of MobileRobotGymEnv-v0 'max_step'; did you mean max_steps"):
        make_config(MOBILE, {"max_step": 7})


@pytest.mark.parametrize(
    ("srl_model", "message"),
    [
        ("raw_pixels", None),
        ("ground_truth", None),
        ("joints", "MobileRobotGymEnv-v0 does not observe 'joints'; it observes raw_pixels, ground_truth"),
        ("autoencoder", None),
        ("raw_pixel", "unknown representation .* did you mean raw_pixels"),
    ],
)
def test_what_is_observed_is_checked(srl_model, message):
    config = find_env(MOBILE).load_config()
    if message is None:
        check_srl_model(srl_model, MOBILE, config)
        return
    with pytest.raises(UserError, match=message):
        check_srl_model(srl_model, MOBILE, config)


@pytest.mark.parametrize(
    ("words", "quiet", "bar"),
    [
        ("--quiet", True, True),
        ("--quiet=True", True, True),
        ("--quiet true", True, True),
        ("--quiet = True", True, True),
        ("--quiet=False", False, True),
        ("--quiet = false --no-bar", False, False),
        ("--bar=False", False, False),
        ("--no-bar=False", False, True),
        ("--no-bar True --quiet", True, False),
    ],
)
def test_switches_take_true_and_false_too(words, quiet, bar):
    parser = Parser(prog="robot")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--bar", action=argparse.BooleanOptionalAction, default=True)
    arguments, given = parser.parse_with_given(words.split())
    assert (arguments.quiet, arguments.bar) == (quiet, bar)
    assert ("quiet" in given) == ("--quiet" in words), "also what is switched off"


def test_another_value_of_a_switch_is_refused():
    parser = Parser(prog="robot")
    parser.add_argument("--quiet", action="store_true")
    with pytest.raises(UserError, match="--quiet is a switch and takes no value but true or false, not 'maybe'"):
        parser.parse_args(["--quiet=maybe"])
    with pytest.raises(UserError, match="but true or false, not 'maybe'"):
        parser.parse_args(["--quiet", "=", "maybe"])
    with pytest.raises(UserError, match="unexpected argument 'robot'"):
        parser.parse_args(["--quiet", "robot"])


def test_flags_of_other_programs_are_told_where_they_went():
    parser = train.make_parser()
    hyperparams = {name for algo in ALGOS_OF_HINTS for name in find_algo(algo).load_class().parameters()} | {"name"}
    for flag, instead in MOVED.items():
        assert flag not in parser._option_string_actions
        with pytest.raises(UserError) as refused:
            parser.parse_args([flag, "1"])
        assert str(refused.value) == f"there is no {flag} here; {instead}."
        for named in re.findall(r"(?<!\w)--[a-z-]+", instead):
            assert named in parser._option_string_actions, named
        for name in re.findall(r"\b(\w+):\S", instead.partition("--hyperparam")[2].partition(";")[0]):
            assert name in hyperparams, name


def test_pictures_have_a_largest_size(parser):
    flags, given = parser.parse_with_given(["--img-shape", "5000x64"])
    with pytest.raises(UserError, match="img_shape of MobileRobotGymEnv-v0 must be at most 4096x4096, not 5000x64"):
        make_config(MOBILE, env_kwargs_from_flags(flags, given))


def test_a_switch_that_is_off_wins_over_a_file(parser, tmp_path):
    (tmp_path / "world.yaml").write_text("random_target: true\n")
    flags, given = parser.parse_with_given(["--env-config", str(tmp_path / "world.yaml"), "--random-target=False"])
    assert env_kwargs_from_flags(flags, given)["random_target"] is False
    flags, given = parser.parse_with_given(["--env-config", str(tmp_path / "world.yaml")])
    assert env_kwargs_from_flags(flags, given)["random_target"] is True


def test_words_are_no_values_of_switches():
    parser = Parser(prog="robot")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("names", nargs="*")
    assert parser.parse_args(["--quiet", "true"]).names == ["true"]
    assert parser.parse_args(["--", "--quiet=True"]).names == ["--quiet=True"]
    assert parser.parse_args(["--quiet", "=", "false", "x"]).quiet is False
