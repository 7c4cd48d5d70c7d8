"""From placed mel power to what the network sees: changes, padding, decibels, normalisation, masks.

Every function works on a whole batch on its device, treats each clip apart from its neighbours, and samples nothing
itself: what is random comes in as uniform numbers, one row per clip.
"""

from __future__ import annotations

from copy import copy

import torch

from audiomnist.config import Config
from audiomnist.training.augment import VoiceAndRoom, mask, spread
from audiomnist.training.dataset import WindowedClips
from audiomnist.training.noise import NoiseBank, NoisePadding

AMIN = 1e-10  # smallest power that is told apart, as in torchaudio's AmplitudeToDB
_CENTRE = 0.5


def to_db(power: torch.Tensor, top_db: float) -> torch.Tensor:
    """Return decibels, cut at ``top_db`` below each clip's loudest bin, like torchaudio's ``AmplitudeToDB``.

    ``power``, Tensor[B, ...], is overwritten.
    """
    db = power.clamp_(min=AMIN).log10_().mul_(10.0)
    loudest = db.flatten(1).amax(1)
    return db.clamp_(min=(loudest - top_db).view(-1, *[1] * (db.ndim - 1)))


def normalise(db: torch.Tensor) -> torch.Tensor:
    """Give each clip of Tensor[B, ...], overwritten if contiguous, mean 0 and deviation 1, whichever batch it is in."""
    flat = db.flatten(1)  # a copy of what is not contiguous, so the result is this and not ``db``
    flat.sub_(flat.mean(1, keepdim=True))
    flat.mul_(_one_over_deviation(flat, flat.shape[1]))
    return flat.view(db.shape)


def normalise_inside(db: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    """Give each clip's own frames mean 0 and standard deviation 1, and set the frames around it to 0.

    ``db``, Tensor[B, C, N, M], is overwritten where it is contiguous; ``inside``, Tensor[B, N], says which frames are
    the clip's.
    """
    weights = inside[:, None, :, None].to(db.dtype)
    flat = db.mul_(weights).flatten(1)
    count = inside.sum(1, keepdim=True).clamp(min=1) * (db.shape[1] * db.shape[3])
    flat.sub_(flat.sum(1, keepdim=True) / count)
    flat.view(db.shape).mul_(weights)
    flat.mul_(_one_over_deviation(flat, count))
    return flat.view(db.shape)


def _one_over_deviation(centred: torch.Tensor, count: int | torch.Tensor) -> torch.Tensor:
    """Return what gives rows of mean 0 the deviation 1, Tensor[B, 1]; a norm takes far less time than a variance."""
    norm: torch.Tensor = torch.linalg.vector_norm(centred, dim=1, keepdim=True)
    return (norm.square_() / count + 1e-5).rsqrt_()


class FrontEnd:
    """Clip indices and uniform numbers in, network inputs out.

    Parameters
    ----------
    change : VoiceAndRoom, optional
        What is done to training clips; only training needs it.
    """

    def __init__(self, config: Config, clips: WindowedClips, change: VoiceAndRoom | None = None) -> None:
        self.clips = clips
        self.device = clips.device
        self._window, self._augment = config.window, config.augment
        padded = config.window.padding == "noise"
        self._padding = NoisePadding(config, clips, NoiseBank(config, clips.device)) if padded else None
        self._change = change
        self._n_placing = 1 + (self._padding.n_draws if self._padding else 0)
        self._n_margins = 2 if config.augment.margin_ms else 0
        self._widest_margin = config.augment.margin_ms / 1000 * config.features.sample_rate / config.features.hop_length

    def keep_test_noise_only(self) -> None:
        """Forget the noise that tests do not use, before an export."""
        if self._padding:
            self._padding.keep_test_noise_only(self.clips.n_frames, _CENTRE)

    def over(self, clips: WindowedClips) -> FrontEnd:
        """Return the same front end over other clips, windowed alike."""
        other = copy(self)
        other.clips = clips
        return other

    @property
    def n_draws(self) -> int:
        """Uniform numbers that a training clip uses up."""
        return sum(self._sizes)

    @property
    def _sizes(self) -> list[int]:
        changes = 1 + self._n_margins + self._change.n_draws if self._change else 0
        return [self._n_placing, 2 * self._augment.time_masks, 2 * self._augment.freq_masks, changes]

    def train(self, clips: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        """Return training inputs: random voice, room, place, padding and masks.

        From clips, Tensor[B] of indices into the store, and uniform numbers in [0, 1), Tensor[B, n_draws], to
        Tensor[B, C, N, M], where C is 1 if all channels are alike.
        """
        placing, times, frequencies, changes = torch.split(draws, self._sizes, dim=1)
        inputs = self._inputs(clips, placing, changes)
        mask(inputs, times, 2, self._augment.mask_fraction)
        mask(inputs, frequencies, 3, self._augment.mask_fraction)
        return inputs

    def test(self, clips: torch.Tensor) -> torch.Tensor:
        """Return inputs that depend on the clip alone: centred, unchanged, unmasked, always the same padding."""
        clips = clips.to(self.device)
        placing = torch.full((clips.shape[0], self._n_placing), _CENTRE, device=clips.device)
        return self._inputs(clips, placing, None)

    def test_places(self, clips: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return which frames of ``test`` are the clips' own, Tensor[B, N], and the numbers of the first, Tensor[B]."""
        clips = clips.to(self.device)
        placed = self.clips.place(clips, torch.full((len(clips),), _CENTRE, device=self.device))
        return placed.inside, self.clips.first_frames(clips, placed.offsets)

    def _inputs(self, clips: torch.Tensor, placing: torch.Tensor, changes: torch.Tensor | None) -> torch.Tensor:
        if self._change and changes is not None:
            stretch, margins, others = torch.split(changes, [1, self._n_margins, self._change.n_draws], dim=1)
            speed = spread(stretch[:, 0], self._augment.stretch)
            frames = margins * self._widest_margin if self._n_margins else None
            placed = self.clips.place(clips, placing[:, 0], speed, frames)
            power = self._change(placed.power, others)[:, None]
        else:
            placed = self.clips.place(clips, placing[:, 0])
            power = self._padding(placed, placing[:, 1:]) if self._padding else placed.power[:, None]  # (B, C, N, M)
        db = to_db(power, self._window.top_db)
        return normalise_inside(db, placed.inside) if self._window.padding == "blank" else normalise(db)
