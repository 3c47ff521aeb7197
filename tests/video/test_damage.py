"""Packets in and frames out, worked by hand; times in ticks."""

from hrpose.video.damage import Damage


def packet(damage, pts, key=False, fault="", said="", dts=None, hidden=False):
    return damage.packet(pts, dts, key=key, hidden=hidden, fault=fault, said=said)


def test_a_whole_stream_has_no_notes():
    damage = Damage(hidden_frames=False)
    for pts in (0, 10, 30):
        assert packet(damage, pts, key=pts == 0) == ""
        assert list(damage.lost_before(pts)) == []
        assert damage.frame(pts, "unknown") == ""
    assert list(damage.lost_before(None)) == []
    assert (damage.last_pts, damage.longest_step) == (30, 20)


def test_a_lost_frame_waits_for_its_place_and_spoils_up_to_the_next_key_frame():
    """Stored 0 30 10 20 40, where 30 cannot be decoded and 40 is a key frame; shown in order."""
    damage = Damage(hidden_frames=False)
    packet(damage, 0, key=True)
    packet(damage, 30, fault="bad data")
    assert damage.frame(0, "") == ""
    for pts in (10, 20):
        packet(damage, pts)
        assert damage.frame(pts, "") == "follows a damaged frame"
        assert list(damage.lost_before(pts)) == []
    packet(damage, 40, key=True)
    assert list(damage.lost_before(40)) == [(30, "cannot be decoded: bad data")]
    assert damage.frame(40, "") == ""


def test_frames_stored_after_a_key_frame_and_shown_before_it_are_still_spoilt():
    damage = Damage(hidden_frames=False)
    packet(damage, 0, key=True, said="concealing errors")
    packet(damage, 30, key=True)
    packet(damage, 20)
    packet(damage, 40)
    assert damage.frame(0, "") == "decoded with errors: concealing errors"
    assert damage.frame(20, "") == "follows a damaged frame"
    assert damage.frame(30, "") == damage.frame(40, "") == ""


def test_a_packet_that_gives_no_frame_is_lost_only_where_there_is_damage():
    for fault, lost in (("", []), ("bad", [10, 20])):
        damage = Damage(hidden_frames=False)
        packet(damage, 0, key=True)
        damage.frame(0, "")
        packet(damage, 10, fault=fault)
        packet(damage, 20)
        packet(damage, 30)
        assert [pts for pts, _ in damage.lost_before(30)] == lost
        assert damage.frame(30, "") is not None
    assert damage.frame(20, "") is None, "its row is given away"


def test_hidden_frames_are_never_lost():
    damage = Damage(hidden_frames=False)
    packet(damage, -10, key=True, hidden=True, fault="bad")
    packet(damage, -5, hidden=True)
    packet(damage, 0)
    assert list(damage.lost_before(0)) == []
    damage = Damage(hidden_frames=True)
    packet(damage, 0, key=True, said="bad")
    packet(damage, 5)
    assert list(damage.lost_before(10)) == []


def test_without_times_a_lost_frame_comes_at_once():
    damage = Damage(hidden_frames=False)
    packet(damage, None, key=True)
    packet(damage, None, fault="bad")
    assert list(damage.lost_before(None)) == [(None, "cannot be decoded: bad")]
    assert packet(damage, None) == "follows a damaged frame"
    assert packet(damage, None, key=True) == ""


def test_times_that_begin_again_take_no_frame_for_lost_or_late():
    damage = Damage(hidden_frames=False)
    packet(damage, 0, key=True, dts=0, said="bad")
    packet(damage, 10, dts=10)
    assert damage.frame(0, "") and damage.frame(10, "")
    packet(damage, 0, key=True, dts=0)
    packet(damage, 10, dts=10)
    assert list(damage.lost_before(10)) == []
    assert damage.frame(0, "") == damage.frame(10, "") == ""


def test_packets_without_frames_do_not_pile_up():
    damage = Damage(hidden_frames=True)
    for pts in range(10_000):
        packet(damage, pts)
    assert len(damage._notes) <= 64
