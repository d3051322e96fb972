"""From what was asked for to what is done: `resolve` checks everything and writes nothing."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments.config import GROUND_TRUTH, EnvConfig, SRLConfig, flatten
from environments.flags import ENV_FLAGS, make_config
from environments.registry import canonical_id, find_env
from rl_baselines.checkpoints.handover import handed_over, is_another, policy_settings
from rl_baselines.cross_evaluation.planned import parse_mixture
from rl_baselines.export.command import check_needs
from rl_baselines.registry import check_action_type, find_algo
from rl_baselines.runs.run_folder import RunFolder, check_writable, find_run
from rl_baselines.tracking.trackers import check_tracker
from rl_baselines.training.choices.evaluation_options import eval_freq, evaluation_kwargs, planned_tasks
from rl_baselines.training.choices.imitated import check_still_there, with_imitated
from rl_baselines.training.choices.observed_group import shown_by_world
from rl_baselines.training.choices.retrained import check_kept, inherit, load_parent
from rl_baselines.training.choices.teachers import steps_from_teachers, teachers_flags, with_teachers
from rl_baselines.training.plan import TrainingPlan, read_plan
from rl_baselines.training.ranks.shares import processes_of
from rl_baselines.training.request import DEFAULTS, TrainingRequest
from srl3.errors import UserError
from srl3.runtime.devices import check_device
from srl3.runtime.shell import flags_text
from state_representation.encoding.observation import Observation
from state_representation.store.choose import check_srl_model, choose_representation

if TYPE_CHECKING:
    from rl_baselines.checkpoints.checkpoint import Checkpoint
    from rl_baselines.hyperparams.resolve import Setting

RESUME_MAY_CHANGE = (
    *("resume", "num_processes", "device", "port", "no_vis", "no_progress", "track", "export"),
    *("num_threads", "verbose"),
)
"""choices that may be made with ``resume``; the others are the run's own"""
NEW_LR_SHARE = 0.01
"""rate of a retraining without ``new_lr``, as a share of the saved initial rate"""


def resolve(request: TrainingRequest) -> TrainingPlan:
    """The plan of a new run, from scratch or from another run's model, or of a run that goes on.

    Raises:
        UserError: for whatever can't be trained.
    """
    if request.resume is not None:
        return _resume(request)
    _check_names(request)
    find_algo(request.value("algo"))
    parent = load_parent(request)
    if parent is not None:
        check_kept(request, parent)
        request = inherit(request, parent)
    if request.env is not None:
        request = dataclasses.replace(request, env=canonical_id(request.env))
    request, teachers = with_teachers(request)
    request = _with_zoo_preset(dataclasses.replace(request, env=canonical_id(request.value("env"))))
    env_id, policy = request.value("env"), request.value("policy")
    config_class = type(make_config(env_id, {}))
    srl_model = request.srl_model or config_class.default_srl_model
    if request.algo is None and srl_model == GROUND_TRUTH and policy == DEFAULTS["policy"]:
        request = dataclasses.replace(request, algo=find_env(env_id).default_algo)
    algo = request.value("algo")
    check_srl_model(srl_model, env_id, config_class)
    folder, env_kwargs = choose_representation(
        srl_model,
        env_id,
        request.env_kwargs or {},
        config_file=request.srl_config_file,
        path=request.srl_model_path,
        latest=bool(request.latest),
        retrains=parent is not None,
    )
    mixture = parse_mixture(request.mix_tasks, env_id, flatten(env_kwargs)) if request.mix_tasks is not None else ()
    if mixture:
        env_kwargs = {**env_kwargs, **mixture[0].env_kwargs}
    config = make_config(env_id, env_kwargs)
    has_both = isinstance(config, SRLConfig) and config.modes.discrete and config.modes.continuous
    check_action_type(algo, continuous=not config.is_discrete, has_both=has_both)
    log_dir = request.value("log_dir")
    check_writable(log_dir)
    find_algo(algo).load_class(policy)
    config, settings = shown_by_world(config, _settings(request, config, srl_model, parent))
    imitated, settings = with_imitated(request, env_id, srl_model, settings)
    _check_named_classes(request, {name: setting.value for name, setting in settings.items()}, config)
    num_processes = processes_of(request.num_processes, 1, algo, policy, settings)
    if settings["n_envs"].value < len(mixture) * num_processes:
        raise UserError(
            f"--mix-tasks divides the environments among {len(mixture)} tasks, and there "
            f"are {settings['n_envs'].value}; add --num-envs {len(mixture) * num_processes}, or more."
        )
    device = check_device(request.value("device"))
    seed = request.value("seed")
    if seed == -1:
        import secrets

        seed = secrets.randbelow(2**31)

    steps = _steps(request.iterations, settings, algo) or request.value("num_timesteps")
    if teachers:
        hyperparams = {name: setting.value for name, setting in settings.items()}
        steps = steps_from_teachers(request, teachers, hyperparams, seed)
    save_freq = _steps(request.save_iterations, settings, algo) or request.value("save_freq")
    encoder = None
    if folder is not None:
        from state_representation.encoding.encoder import load_encoder

        encoder = load_encoder(folder, device)
    elif parent is not None:
        encoder = parent.load_encoder(device)
    num_stack = request.value("num_stack")
    arguments = request.arguments(
        algo=algo, env=env_id, policy=policy, srl_model=srl_model, num_stack=num_stack, seed=seed
    )
    return TrainingPlan(
        algo=algo,
        policy=policy,
        env_id=env_id,
        config=config,
        srl_model=srl_model,
        observation=Observation(config.srl_model, encoder),
        num_stack=num_stack,
        num_processes=num_processes,
        seed=seed,
        total_timesteps=steps,
        settings=settings,
        teacher_data=request.teacher_data_folder or (),
        imitate=imitated,
        log_dir=log_dir,
        suffix=request.suffix,
        experiment_name=request.experiment_name,
        episode_window=request.value("episode_window"),
        min_episodes_save=request.value("min_episodes_save"),
        eval_freq=eval_freq(request, steps),
        eval_episodes=request.value("eval_episodes"),
        n_eval_envs=request.n_eval_envs,
        eval_env_kwargs=evaluation_kwargs(request, env_id, env_kwargs),
        tasks=planned_tasks(request, config, mixture, parent, teachers),
        save_replay_buffer=request.value("save_replay_buffer"),
        value_warmup=_value_warmup(request, algo, parent),
        num_threads=request.num_threads,
        verbose=request.value("verbose"),
        save_freq=save_freq,
        video_interval=_video_interval(request),
        video_length=request.value("video_length"),
        num_videos=request.value("num_videos"),
        **request.recording_fields(save_freq, steps),
        log_interval=request.value("log_interval"),
        layout=request.layout,
        torch_deterministic=bool(request.torch_deterministic),
        track=_tracker(request),
        export=_export(request.export),
        device=device,
        visdom_port=_visdom_port(request),
        show_progress=not request.no_progress,
        parent=None if parent is None else handed_over(parent, algo),
        arguments=arguments,
        command=request.command,
    )


def _with_zoo_preset(request: TrainingRequest) -> TrainingRequest:
    """What a preset file of rl-zoo3 says besides hyperparameters, where the user did not."""
    from rl_baselines.hyperparams.resolve import zoo_preset_of

    if request.load_rl_model_path is not None and request.conf_file is not None:
        raise UserError("a retraining keeps its model's hyperparameters; use --hyperparam, not --conf-file.")
    preset = zoo_preset_of(request.conf_file, request.value("env"))
    if preset is None:
        return request
    return dataclasses.replace(
        request,
        num_timesteps=request.num_timesteps or preset.n_timesteps,
        num_stack=request.num_stack or preset.num_stack,
        env_kwargs={**preset.env_kwargs, **(request.env_kwargs or {})} or None,
    )


def _check_names(request: TrainingRequest) -> None:
    if request.new_lr is not None and request.load_rl_model_path is None:
        raise UserError("--new-lr is the rate of a retraining; add --load-rl-model-path, or use --hyperparam.")
    if request.trust_pickle and request.load_rl_model_path is None:
        raise UserError("--trust-pickle is for a model that is retrained; add --load-rl-model-path, or leave it out.")
    for flag, name in (("--suffix", request.suffix), ("--experiment-name", request.experiment_name)):
        if name is not None and ("/" in name or name.startswith(".") or (not name and flag != "--suffix")):
            raise UserError(f"{flag} becomes part of a folder's name, and '{name}' can't.")
    if request.suffix and request.experiment_name is not None and request.layout is None:
        raise UserError("--suffix and --experiment-name both name the run folder; give one of them.")


def _resume(request: TrainingRequest) -> TrainingPlan:
    """The plan that goes on with an interrupted run, from its own settings and its ``latest.zip``."""
    for name in sorted(set(request.chosen()) - set(RESUME_MAY_CHANGE)):
        raise UserError(
            "--resume goes on with the run's own settings; "
            f"leave out {_flag(name, request)}, or retrain with --load-rl-model-path."
        )
    assert request.resume is not None
    run = find_run(request.resume, request.value("log_dir"))
    if not run.latest.is_file():
        raise UserError(f"{run.path} has no {run.latest.name} to resume from; {_instead_of_latest(run)}.")

    from rl_baselines.checkpoints.checkpoint import load_checkpoint
    from rl_baselines.hyperparams.resolve import Setting

    try:
        parent = load_checkpoint(run.latest)
    except UserError as error:
        if not _others(run):
            raise
        raise UserError(f"{str(error).rstrip('.')}; {_instead_of_latest(run)}.") from None
    info = parent.info
    if info.num_timesteps >= info.total_timesteps:
        raise UserError(
            f"{run.path} has trained all its {info.total_timesteps:,} steps; "
            f"to train it further use {flags_text('--load-rl-model-path', run.path)}."
        )
    check_writable(run.path)
    device = check_device(request.value("device"))
    saved = read_plan(run)
    config = make_config(info.env_id, info.env_kwargs)
    settings = {name: Setting(value, saved.sources.get(name, "")) for name, value in info.hyperparams.items()}
    plan = TrainingPlan(
        algo=info.algo,
        policy=info.policy,
        env_id=info.env_id,
        config=config,
        srl_model=info.srl_model,
        observation=Observation(config.srl_model, parent.load_encoder(device)),
        num_stack=info.num_stack,
        seed=info.seed,
        total_timesteps=info.total_timesteps,
        settings=settings,
        num_processes=processes_of(request.num_processes, saved.num_processes, info.algo, info.policy, settings),
        log_dir=request.value("log_dir"),
        episode_window=saved.saving["episode_window"],
        min_episodes_save=saved.saving["min_episodes_save"],
        eval_freq=saved.saving["eval_freq"],
        save_freq=saved.saving["save_freq"],
        tasks=saved.tasks,
        teacher_data=saved.teacher_data,
        imitate=saved.imitate,
        video_interval=_video_interval(request),
        video_length=request.value("video_length"),
        num_videos=request.value("num_videos"),
        **saved.evaluating,
        num_threads=request.num_threads,
        verbose=request.value("verbose"),
        log_interval=saved.log_interval,
        layout=saved.layout,
        torch_deterministic=saved.torch_deterministic,
        track=_tracker(request if request.track is not None else TrainingRequest(track=saved.track)),
        export=_export(request.export or saved.arguments.get("export")),
        device=device,
        visdom_port=_visdom_port(_shown_as(request, saved.arguments)),
        show_progress=not request.no_progress,
        parent=parent,
        resume=run,
        arguments=saved.arguments,
        command=saved.command,
    )
    check_still_there(plan)
    return plan


def _others(run: RunFolder) -> list[Path]:
    return [path for path in run.all_checkpoints() if path != run.latest]


def _instead_of_latest(run: RunFolder) -> str:
    """What can be done with a run whose latest checkpoint is not there, or damaged."""
    if not _others(run):
        return "it ended before its first rollout"
    return f"train on from another checkpoint with {flags_text('--load-rl-model-path', _others(run)[0])}"


def _shown_as(request: TrainingRequest, saved: Mapping[str, Any]) -> TrainingRequest:
    """With the visdom server that the run had, unless the user says otherwise."""
    if request.port is not None or request.no_vis is not None:
        return request
    return dataclasses.replace(request, port=saved.get("port"), no_vis=saved.get("no_vis"))


def _steps(iterations: int | None, settings: "dict[str, Setting]", algo: str) -> int | None:
    """So many rollouts of the algorithm in environment steps; None for None."""
    if iterations is None:
        return None
    if not find_algo(algo).load_class().on_policy or "n_steps" not in settings:
        raise UserError(f"{algo} has no iterations of rollout and update to count; say how long in --num-timesteps.")
    return int(iterations * settings["n_steps"].value * settings["n_envs"].value)


def _check_named_classes(request: TrainingRequest, hyperparams: Mapping[str, Any], config: EnvConfig) -> None:
    """Refuse wrappers where worlds are recorded without them, and goals that are relabelled (with what whole episodes
    reached) before an episode is over."""
    from rl_baselines.hyperparams.classes import is_hindsight

    for name in ("env_wrapper", "vec_env_wrapper"):
        if request.value("record_trajectories") and hyperparams.get(name):
            raise UserError(f"--record-trajectories records worlds without wrappers; leave it out, or {name}.")
    if not is_hindsight(hyperparams.get("replay_buffer_class")) or not config.max_steps:
        return
    least = config.max_steps * hyperparams["n_envs"]
    if hyperparams["learning_starts"] < least:
        raise UserError(
            f"{hyperparams['replay_buffer_class']} needs a whole episode before it learns: set learning_starts to "
            f"at least {least} (max_steps x n_envs), not {hyperparams['learning_starts']}."
        )
    if hyperparams["buffer_size"] < least:
        raise UserError(
            f"{hyperparams['replay_buffer_class']} learns from whole episodes, and none fits in its buffer: set "
            f"buffer_size to at least {least} (max_steps x n_envs), not {hyperparams['buffer_size']}."
        )


def _flag(name: str, request: TrainingRequest) -> str:
    """The flag by which this choice was made."""
    if name == "env_kwargs":
        flags = {parameter: flag for flag, parameter in ENV_FLAGS.items()}
        name = next((flags[each] for each in request.env_kwargs or {} if each in flags), name)
    return f"--{name.replace('_', '-')}"


def _value_warmup(request: TrainingRequest, algo: str, parent: "Checkpoint | None") -> int:
    """Steps in which values alone are learned: of a policy to which no algorithm has taught them."""
    if parent is not None and is_another(algo, parent.info.algo):
        return int(request.value("value_warmup"))
    if request.value_warmup is not None:
        raise UserError(
            "--value-warmup is for a student that goes on by rewards; add --load-rl-model-path STUDENT --algo ppo2, or "
            "leave it out."
        )
    return 0


def _export(asked: bool | None) -> bool:
    if not asked:
        return False
    check_needs()
    return True


def _video_interval(request: TrainingRequest) -> int:
    """Training steps between two films; 0: none."""
    if request.video_interval is not None and not request.video:
        raise UserError("--video-interval says how often --video films; give --video too.")
    return int(request.value("video_interval")) if request.video else 0


def _tracker(request: TrainingRequest) -> str | None:
    track = request.value("track")
    check_tracker(None if track == "none" else track)
    return None if track == "none" else track


def _visdom_port(request: TrainingRequest) -> int | None:
    return None if request.no_vis else request.value("port")


def _settings(
    request: TrainingRequest, config: EnvConfig, srl_model: str, parent: "Checkpoint | None"
) -> "dict[str, Setting]":
    from rl_baselines.hyperparams.resolve import resolve_hyperparams
    from rl_baselines.hyperparams.schedules import initial_learning_rate

    algo, overrides = request.value("algo"), request.hyperparam or ()
    flags: dict[str, Any] = {"n_envs": request.num_cpu, **teachers_flags(request)}
    saved, further = None, list(request.levels or ())
    if parent is not None and is_another(algo, parent.info.algo):
        further.append((str(parent.path), policy_settings(parent)))
        if request.new_lr is not None:
            flags["learning_rate"] = f"lin_{request.new_lr:g}"
    elif parent is not None:
        if request.preset is not None:
            raise UserError("a retraining keeps its model's hyperparameters; use --hyperparam, not --preset.")
        if "learning_rate" in {item.partition(":")[0] for item in overrides}:
            raise UserError("the rate of a retraining is --new-lr; leave learning_rate out of --hyperparam.")
        rate = initial_learning_rate(parent.info.hyperparams)
        if rate is None and request.new_lr is not None:
            raise UserError(f"{algo} has no learning rate; leave out --new-lr.")
        if rate is not None:
            flags["learning_rate"] = f"lin_{NEW_LR_SHARE * rate if request.new_lr is None else request.new_lr:g}"
    algo_class = find_algo(algo).load_class(request.value("policy"))
    if parent is not None and not is_another(algo, parent.info.algo):
        training = parent.state["training"]
        state = None if training is None else training["model"]
        saved = (str(parent.path), algo_class.inherited_hyperparams(parent.info.hyperparams, state))
    return resolve_hyperparams(
        algo_class,
        algo,
        request.value("env"),
        srl_model,
        continuous=not config.is_discrete,
        conf_file=request.conf_file,
        preset=request.value("preset"),
        further=further,
        overrides=overrides,
        flags=flags,
        saved=saved,
    )
