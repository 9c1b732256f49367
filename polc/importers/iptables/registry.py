"""All match and target extensions of iptables 1.8.11 (iptables-extensions(8)), and whose an option is."""

from __future__ import annotations

from functools import cache

from polc.importers.iptables.extension import MatchExtension, Option, TargetExtension
from polc.importers.iptables.matches import (
    addrtype,
    ah,
    bpf,
    cgroup,
    cluster,
    comment,
    connbytes,
    connlabel,
    connlimit,
    connmark,
    conntrack,
    cpu,
    dccp,
    devgroup,
    dscp,
    dst,
    ecn,
    esp,
    eui64,
    frag,
    hashlimit,
    hbh,
    helper,
    hl,
    icmp,
    icmp6,
    ipcomp,
    iprange,
    ipv6header,
    ipvs,
    length,
    limit,
    mac,
    mark,
    mh,
    multiport,
    nfacct,
    osf,
    owner,
    physdev,
    pkttype,
    policy,
    quota,
    rateest,
    realm,
    recent,
    rpfilter,
    rt,
    sctp,
    socket,
    srh,
    state,
    statistic,
    string,
    tcp,
    tcpmss,
    time,
    tos,
    ttl,
    u32,
    udp,
)
from polc.importers.iptables.matches import (
    set as set_match,
)
from polc.importers.iptables.targets import (
    audit,
    checksum,
    classify,
    clusterip,
    connsecmark,
    ct,
    dnat,
    dnpt,
    hmark,
    idletimer,
    led,
    log,
    masquerade,
    netmap,
    nflog,
    nfqueue,
    notrack,
    redirect,
    reject,
    secmark,
    snat,
    snpt,
    synproxy,
    tcpoptstrip,
    tee,
    tproxy,
    trace,
    ulog,
)
from polc.importers.iptables.targets import (
    connmark as connmark_target,
)
from polc.importers.iptables.targets import (
    dscp as dscp_target,
)
from polc.importers.iptables.targets import (
    ecn as ecn_target,
)
from polc.importers.iptables.targets import (
    hl as hl_target,
)
from polc.importers.iptables.targets import (
    mark as mark_target,
)
from polc.importers.iptables.targets import (
    rateest as rateest_target,
)
from polc.importers.iptables.targets import (
    set as set_target,
)
from polc.importers.iptables.targets import (
    tcpmss as tcpmss_target,
)
from polc.importers.iptables.targets import (
    tos as tos_target,
)
from polc.importers.iptables.targets import (
    ttl as ttl_target,
)
from polc.ir.family import Family

_MATCHES: tuple[MatchExtension, ...] = (
    addrtype.MATCH,
    ah.MATCH,
    bpf.MATCH,
    cgroup.MATCH,
    cluster.MATCH,
    comment.MATCH,
    connbytes.MATCH,
    connlabel.MATCH,
    connlimit.MATCH,
    connmark.MATCH,
    conntrack.MATCH,
    cpu.MATCH,
    dccp.MATCH,
    devgroup.MATCH,
    dscp.MATCH,
    dst.MATCH,
    ecn.MATCH,
    esp.MATCH,
    eui64.MATCH,
    frag.MATCH,
    hashlimit.MATCH,
    hbh.MATCH,
    helper.MATCH,
    hl.MATCH,
    icmp.MATCH,
    icmp6.MATCH,
    ipcomp.MATCH,
    iprange.MATCH,
    ipv6header.MATCH,
    ipvs.MATCH,
    length.MATCH,
    limit.MATCH,
    mac.MATCH,
    mark.MATCH,
    mh.MATCH,
    multiport.MATCH,
    nfacct.MATCH,
    osf.MATCH,
    owner.MATCH,
    physdev.MATCH,
    pkttype.MATCH,
    policy.MATCH,
    quota.MATCH,
    rateest.MATCH,
    realm.MATCH,
    recent.MATCH,
    rpfilter.MATCH,
    rt.MATCH,
    sctp.MATCH,
    set_match.MATCH,
    socket.MATCH,
    srh.MATCH,
    state.MATCH,
    statistic.MATCH,
    string.MATCH,
    tcp.MATCH,
    tcpmss.MATCH,
    time.MATCH,
    tos.MATCH,
    ttl.MATCH,
    u32.MATCH,
    udp.MATCH,
)
_TARGETS: tuple[TargetExtension, ...] = (
    audit.TARGET,
    checksum.TARGET,
    classify.TARGET,
    clusterip.TARGET,
    connmark_target.TARGET,
    connsecmark.TARGET,
    ct.TARGET,
    dnat.TARGET,
    dnpt.TARGET,
    dscp_target.TARGET,
    ecn_target.TARGET,
    hl_target.TARGET,
    hmark.TARGET,
    idletimer.TARGET,
    led.TARGET,
    log.TARGET,
    mark_target.TARGET,
    masquerade.TARGET,
    netmap.TARGET,
    nflog.TARGET,
    nfqueue.TARGET,
    notrack.TARGET,
    rateest_target.TARGET,
    redirect.TARGET,
    reject.TARGET,
    secmark.TARGET,
    set_target.TARGET,
    snat.TARGET,
    snpt.TARGET,
    synproxy.TARGET,
    tcpmss_target.TARGET,
    tcpoptstrip.TARGET,
    tee.TARGET,
    tos_target.TARGET,
    tproxy.TARGET,
    trace.TARGET,
    ttl_target.TARGET,
    ulog.TARGET,
)

MATCHES: dict[str, MatchExtension] = {one.name: one for one in _MATCHES}
TARGETS: dict[str, TargetExtension] = {one.name: one for one in _TARGETS}


@cache
def every_option(family: Family) -> tuple[Option, ...]:
    """The options of all extensions of a family."""
    extensions = (*_MATCHES, *_TARGETS)
    return tuple(option for one in extensions if family in one.families for option in one.options)


def owners(name: str, family: Family) -> list[str]:
    """The extensions that have an option of this name, as they are written: `-m tcp`, `-j LOG`."""
    found = [f"-m {one.name}" for one in _MATCHES if family in one.families and _has(one.options, name)]
    return found + [f"-j {one.name}" for one in _TARGETS if family in one.families and _has(one.options, name)]


def _has(options: tuple[Option, ...], name: str) -> bool:
    return any(name == one.name or name in one.also for one in options)
